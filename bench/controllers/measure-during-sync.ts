import { sleep } from "../../runtime/clock/sleep.ts";
import { systemClock as clock } from "../../runtime/clock/system-clock.ts";
import { until } from "../../sandbox/process/until.ts";
import { type Percentiles, percentiles } from "./changes.ts";
import type { Run } from "./measure-member.ts";
import {
  type Answered,
  ask,
  type Census,
  machineMs,
  type ServerState,
  writesIn,
} from "./process-messages.ts";
import { exportersOf } from "./workload.ts";

/** Changes of one endpoint, one after the other, while the first sync goes on. */
const ROUNDS = 20;
/** Share of the sync's writes after which the first change is made. */
const BEGIN_AT = 0.1;
const PAUSE_MS = 100;
const PATIENCE_MS = 600_000;

export interface DuringSync extends Percentiles {
  /** Made while the sync went on. */
  readonly changes: number;
}

/** How long a change waits behind the making of everything else; undefined when the sync was over too soon to tell. */
export async function measureDuringSync({
  apiServer,
  owners,
  workload,
}: Run): Promise<DuringSync | undefined> {
  const { signal } = new AbortController();
  const waiting = { clock, timeoutMs: PATIENCE_MS, signal };
  const all = workload.services * (4 + workload.exporters);
  const written = async (): Promise<number> =>
    writesIn((await ask<ServerState>(apiServer, "state")).counts);
  const hasBegun = async (): Promise<true | undefined> =>
    (await written()) > all * BEGIN_AT ? true : undefined;
  await until("the sync to have begun", hasBegun, { ...waiting, everyMs: 50 });
  const { readyImport } = await ask<Census>(apiServer, "census");
  const service = Number(readyImport?.split("-")[1]);
  const [owner = 0] = exportersOf(service, workload);
  const arrived: number[] = [];
  const onMessage = (message: Answered | ServerState): void => {
    if ("verb" in message) arrived.push(message.atMs);
  };
  apiServer.send("slices");
  apiServer.on("message", onMessage);
  const times: number[] = [];
  for (let round = 1; round <= ROUNDS && (await written()) < all; round++) {
    const startMs = machineMs();
    owners.export(service, owner, { isFirstDown: round % 2 === 1 });
    const isThere = (): true | undefined => (arrived.length >= round ? true : undefined);
    await until("a change to arrive", isThere, { ...waiting, everyMs: 1 });
    times.push((arrived[round - 1] ?? Number.NaN) - startMs);
    await sleep(clock, PAUSE_MS, signal);
  }
  apiServer.off("message", onMessage);
  apiServer.send("none");
  return times.length === 0 ? undefined : { ...percentiles(times), changes: times.length };
}
