import type { Facts } from "./facts.ts";

/** `not tested`: nobody could look, which is never taken for right. `not needed`: there is nothing to be right or wrong. */
export type Verdict = "ok" | "wrong" | "not tested" | "not needed";

export interface Outcome {
  readonly verdict: Verdict;
  readonly says: string;
  /** How to mend it; with `wrong`. */
  readonly mend?: string;
}

/** One station of the way from a Service to a packet. Pure. */
export type Check = (facts: Facts) => Outcome;

export interface Finding extends Outcome {
  readonly check: string;
}

export function right(says: string): Outcome {
  return { verdict: "ok", says };
}

export function wrong(says: string, mend: string): Outcome {
  return { verdict: "wrong", says, mend };
}

export function notTested(why: string): Outcome {
  return { verdict: "not tested", says: why };
}

export function notNeeded(why: string): Outcome {
  return { verdict: "not needed", says: why };
}
