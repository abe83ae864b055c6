import type { Clock } from "../../runtime/clock/clock.ts";
import { sleep } from "../../runtime/clock/sleep.ts";

/**
 * Asks until the answer is not undefined. Fails with what was waited for when `timeoutMs` pass or the signal aborts.
 */
export async function until<T>(
  what: string,
  ask: () => Promise<T | undefined> | T | undefined,
  options: {
    readonly clock: Clock;
    readonly timeoutMs: number;
    readonly signal: AbortSignal;
    /** @default 10 */
    readonly everyMs?: number;
  },
): Promise<T> {
  const { clock, timeoutMs, signal, everyMs = 10 } = options;
  const endMs = clock.monotonicMs() + timeoutMs;
  for (;;) {
    const answer = await ask();
    if (answer !== undefined) return answer;
    if (signal.aborted) throw new WaitError(`stopped while waiting for ${what}`);
    if (clock.monotonicMs() > endMs)
      throw new WaitError(`gave up after ${timeoutMs} ms waiting for ${what}`);
    await sleep(clock, everyMs, signal);
  }
}

class WaitError extends Error {
  override readonly name = "WaitError";
}
