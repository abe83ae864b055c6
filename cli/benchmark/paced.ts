import type { Clock } from "../../runtime/clock/clock.ts";
import { sleep } from "../../runtime/clock/sleep.ts";
import type { Samples } from "./samples.ts";

export interface Pace {
  readonly perSecond: number;
  readonly durationMs: number;
  /** Tries under way at once, at most: what is due beyond that is not made, and counted. */
  readonly atOnce: number;
}

/** Tries at a steady rate, whether or not answers come, so that a slow answer does not hide those behind it. */
export async function paced(
  attempt: () => Promise<boolean>,
  { perSecond, durationMs, atOnce }: Pace,
  { clock, signal }: { readonly clock: Clock; readonly signal: AbortSignal },
): Promise<Samples> {
  const ms: number[] = [];
  let failed = 0;
  let skipped = 0;
  // BOUNDED: by `atOnce`.
  const underWay = new Set<Promise<void>>();
  const startMs = clock.monotonicMs();
  const one = async (): Promise<void> => {
    const sentMs = clock.monotonicMs();
    const isGood = await attempt().catch(() => false);
    if (isGood) ms.push(clock.monotonicMs() - sentMs);
    else failed += 1;
  };
  const tries = Math.max(1, Math.floor((perSecond * durationMs) / 1_000));
  for (let index = 0; index < tries && !signal.aborted; index += 1) {
    const dueMs = startMs + (index * 1_000) / perSecond;
    const waitMs = dueMs - clock.monotonicMs();
    if (waitMs > 0) await sleep(clock, waitMs, signal);
    if (signal.aborted) break;
    if (underWay.size >= atOnce) {
      skipped += 1;
      // What is under way must get its turn, though everything is late.
      if (waitMs <= 0) await sleep(clock, 0, signal);
      continue;
    }
    const running: Promise<void> = one().finally(() => underWay.delete(running));
    underWay.add(running);
  }
  await Promise.all(underWay);
  return { ms, failed, skipped, elapsedMs: clock.monotonicMs() - startMs };
}
