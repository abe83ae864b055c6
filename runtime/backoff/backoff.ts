import type { Random } from "../random/random.ts";

export interface BackoffOptions {
  readonly firstMs: number;
  readonly maxMs: number;
  /** Growth per attempt. @default 2 */
  readonly factor?: number;
}

/**
 * Delay before attempt `attempt` (0 is the first retry): exponential, capped, with "equal jitter":
 * half of the delay is fixed, half is drawn, so that it is never zero and a crowd spreads out.
 */
export function backoffMs(options: BackoffOptions, attempt: number, random: Random): number {
  const factor = options.factor ?? 2;
  const full = Math.min(options.maxMs, options.firstMs * factor ** Math.min(attempt, 64));
  return full / 2 + (full / 2) * random.next();
}
