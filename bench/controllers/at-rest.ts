import type { ChildProcess } from "node:child_process";
import { systemClock as clock } from "../../runtime/clock/system-clock.ts";
import { until } from "../../sandbox/process/until.ts";
import { ask, type Census, machineMs, type ServerState } from "./process-messages.ts";

/** No write for this long: at rest. */
export const REST_MS = 3_000;
const PATIENCE_MS = 1_800_000;

/** Until nothing more is written and everything is there. Counting the objects takes time of the server: at rest only. */
export function atRest(
  apiServer: ChildProcess,
  isWhole: (census: Census) => boolean,
): Promise<ServerState> {
  const look = async (): Promise<ServerState | undefined> => {
    const state = await ask<ServerState>(apiServer, "state");
    if (machineMs() - state.lastWriteMs < REST_MS) return undefined;
    return isWhole(await ask<Census>(apiServer, "census")) ? state : undefined;
  };
  const { signal } = new AbortController();
  return until("the member to be done", look, {
    clock,
    timeoutMs: PATIENCE_MS,
    signal,
    everyMs: 500,
  });
}
