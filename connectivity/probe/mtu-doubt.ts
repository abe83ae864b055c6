/**
 * What fitted a moment ago was lost. Large packets may be lost like any others, or the path carries them no longer and does not say
 * so: pairs of one of that size and one that nearly all paths carry are sent close together. Where all of the one kind are lost and
 * all but one of the other are answered, it is the size. Loss by chance takes a pair's two alike, however much of it there is.
 */
export interface MtuDoubt {
  /** What fitted, bytes. */
  readonly bytes: number;
  /** Monotonic milliseconds: what was sent before says nothing about it. */
  readonly sinceMs: number;
  readonly sent: number;
  /** When the next pair is sent, monotonic milliseconds. */
  readonly nextMs: number;
  /** Of the large ones. */
  readonly lost: number;
  /** Of the others. */
  readonly answered: number;
}

/** What became of a packet that was sent for its size. */
export interface MtuFate {
  readonly bytes: number;
  readonly isAnswered: boolean;
  /** When it was sent, monotonic milliseconds. */
  readonly sentMs: number;
  readonly nowMs: number;
}

/** "nothing passes": neither size; "unclear": some of the other size were lost too. */
export type DoubtOutcome = "open" | "fits" | "too large" | "nothing passes" | "unclear";

/** What nearly all paths carry: told first where a path carries less than it did. */
export const SAFE_BYTES = 1_280;
/** With one packet in five lost, each way, a doubt in some ten thousand ends wrongly. */
const PAIRS = 7;
/** Apart, so that what fills a queue for a moment does not take them all. */
const PAIR_EVERY_MS = 20;

/** Nothing can be asked about what is no larger than what all paths carry. */
export function startDoubt(bytes: number, nowMs: number): MtuDoubt | undefined {
  if (bytes <= SAFE_BYTES) return undefined;
  return { bytes, sinceMs: nowMs, sent: 0, nextMs: nowMs, lost: 0, answered: 0 };
}

/** When a pair is to be sent, monotonic milliseconds; undefined: all have been. */
export function nextPairMs({ sent, nextMs }: MtuDoubt): number | undefined {
  return sent < PAIRS ? nextMs : undefined;
}

export function withPair(doubt: MtuDoubt, nowMs: number): MtuDoubt {
  return { ...doubt, sent: doubt.sent + 1, nextMs: nowMs + PAIR_EVERY_MS };
}

export function withMtuFate(doubt: MtuDoubt, fate: MtuFate): MtuDoubt {
  if (fate.sentMs < doubt.sinceMs) return doubt;
  if (fate.bytes === doubt.bytes && !fate.isAnswered) return { ...doubt, lost: doubt.lost + 1 };
  if (fate.bytes === SAFE_BYTES && fate.isAnswered) {
    return { ...doubt, answered: doubt.answered + 1 };
  }
  return doubt;
}

/** An answer to a large one, however late, ends any doubt. */
export function doubtOutcome({ bytes, lost, answered }: MtuDoubt, fate: MtuFate): DoubtOutcome {
  if (fate.bytes === bytes && fate.isAnswered) return "fits";
  if (lost < PAIRS) return "open";
  if (answered === 0) return "nothing passes";
  return answered >= PAIRS - 1 ? "too large" : "unclear";
}
