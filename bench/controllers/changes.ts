import type { ChildProcess } from "node:child_process";
import { sleep } from "../../runtime/clock/sleep.ts";
import { systemClock as clock } from "../../runtime/clock/system-clock.ts";
import { type Answered, machineMs } from "./process-messages.ts";

export interface Percentiles {
  readonly p50Ms: number;
  readonly p99Ms: number;
}

/** What one kind of change cost, over all its rounds. */
export interface ChangeCost extends Percentiles {
  readonly writesPerChange: number;
  /** Request bodies sent to the API server. */
  readonly bytesPerChange: number;
  /** Writes by verb, resource and status, over all rounds. */
  readonly writes: Readonly<Record<string, number>>;
}

/** A change is over when the API server has seen no write for this long. */
const QUIET_MS = 100;
const PATIENCE_MS = 20_000;

/** Makes one change at a time: the time until the last write that it caused has been answered. */
export async function measureChanges(
  apiServer: ChildProcess,
  rounds: number,
  change: (round: number) => void,
): Promise<ChangeCost> {
  const { signal } = new AbortController();
  const writes: Record<string, number> = {};
  const times: number[] = [];
  let total = 0;
  let bytes = 0;
  for (let round = 0; round < rounds; round++) {
    const seen: Answered[] = [];
    const onMessage = (one: Answered): void => void seen.push(one);
    apiServer.on("message", onMessage);
    const startMs = machineMs();
    change(round);
    while (seen.length === 0 || machineMs() - (seen.at(-1)?.atMs ?? 0) < QUIET_MS) {
      if (machineMs() - startMs > PATIENCE_MS) throw new Error(`change ${round} causes no write`);
      await sleep(clock, 5, signal);
    }
    apiServer.off("message", onMessage);
    times.push((seen.at(-1)?.atMs ?? Number.NaN) - startMs);
    total += seen.length;
    for (const one of seen) {
      bytes += one.bytes;
      const key = `${one.verb} ${one.resource} ${one.status}`;
      writes[key] = (writes[key] ?? 0) + 1;
    }
  }
  return {
    ...percentiles(times),
    writesPerChange: Number((total / rounds).toFixed(2)),
    bytesPerChange: Math.round(bytes / rounds),
    writes,
  };
}

export function percentiles(times: readonly number[]): Percentiles {
  const sorted = times.toSorted((left, right) => left - right);
  const at = (share: number): number =>
    Number((sorted[Math.floor(sorted.length * share)] ?? Number.NaN).toFixed(1));
  return { p50Ms: at(0.5), p99Ms: at(0.99) };
}
