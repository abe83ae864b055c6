import { sleep } from "../../runtime/clock/sleep.ts";
import { systemClock } from "../../runtime/clock/system-clock.ts";

/** How often what is waited for is looked at: figures are no finer. */
export const LOOK_MS = 20;

export interface Waited {
  /** Undefined: it came. Otherwise what was missing when the time was up. */
  readonly missing: string | undefined;
  /** On the monotonic clock. */
  readonly atMs: number;
}

/** Looks until nothing is missing, the time is up, or it is to stop. */
export async function waitUntil(
  look: () => Promise<string | undefined>,
  untilMs: number,
  signal: AbortSignal,
  everyMs = LOOK_MS,
): Promise<Waited> {
  for (;;) {
    const missing = await look();
    const atMs = systemClock.monotonicMs();
    if (missing === undefined || atMs >= untilMs || signal.aborted) return { missing, atMs };
    await sleep(systemClock, everyMs, signal);
  }
}
