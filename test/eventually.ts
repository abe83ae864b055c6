import { systemClock } from "../runtime/clock/system-clock.ts";
import { until } from "../sandbox/process/until.ts";

/** Asks until there is an answer, and fails with what was waited for. The limit is one that only a broken program meets, on however slow a machine. */
export function eventually<T>(
  what: string,
  ask: () => Promise<T | undefined> | T | undefined,
): Promise<T> {
  const { signal } = new AbortController();
  return until(what, ask, { clock: systemClock, timeoutMs: 60_000, everyMs: 50, signal });
}
