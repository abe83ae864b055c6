/** Above it whatever waits in the queue waits too long. Up to a quarter may be what was read and is not yet given back. */
const HIGH = 0.5;
/** Above it questions are being lost. */
const FULL = 0.9;
/** Below it the server keeps up. */
const LOW = 1 / 8;
/** Less is let in at once, more only by and by: the queue empties in the meantime. */
const CUT = 0.5;
const CUT_WHEN_FULL = 0.25;
const GROWTH = 1.1;
/** So that it can be seen when a flood ends, even with a filter in front. */
const LEAST = 1 / 1024;

/**
 * Which part of the questions of unknown clients is let in, from 0 to 1, decided again every few dozen milliseconds by how full
 * the kernel's queue is, from 0 to 1. Multiplicative decrease and slow growth, as congestion control does it.
 */
export function admit(admitted: number, queueFilled: number): number {
  if (queueFilled > FULL) return Math.max(LEAST, admitted * CUT_WHEN_FULL);
  if (queueFilled > HIGH) return Math.max(LEAST, admitted * CUT);
  if (queueFilled < LOW) return Math.min(1, admitted * GROWTH);
  return admitted;
}
