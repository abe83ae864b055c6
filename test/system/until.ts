import { sleep } from "../../runtime/clock/sleep.ts";
import { systemClock } from "../../runtime/clock/system-clock.ts";

/** Waits until it holds. The limit is one that only a broken program meets, on however slow a machine. */
export async function until(
  condition: () => boolean | Promise<boolean>,
  limitMs = 60_000,
): Promise<void> {
  const { signal } = new AbortController();
  const startMs = systemClock.monotonicMs();
  while (!(await condition())) {
    if (systemClock.monotonicMs() - startMs > limitMs) throw new Error(`not within ${limitMs} ms`);
    await sleep(systemClock, 5, signal);
  }
}
