const TURNS_PER_ANSWER = 4;
const TURNS_MIN = 64;
const TURNS_MAX = 4096;
/** Multiples of the golden ratio fall evenly into any part of the unit interval, however few of them there are. */
const GOLDEN = (Math.sqrt(5) - 1) / 2;

/** Which of the answers comes first in each turn, so that each does so in proportion to its share, well mixed. */
export function weightedTurns(shares: readonly number[]): Uint16Array {
  const total = shares.reduce((sum, share) => sum + share, 0);
  const turns = Math.min(TURNS_MAX, Math.max(TURNS_MIN, shares.length * TURNS_PER_ANSWER));
  const ends: number[] = [];
  let sum = 0;
  for (const share of shares) {
    sum += share / total;
    ends.push(sum);
  }
  return Uint16Array.from({ length: turns }, (_, turn) => {
    return firstAbove(ends, (turn * GOLDEN) % 1);
  });
}

/** Index of the first of the ascending `ends` above `point`, the last one if rounding leaves none. */
function firstAbove(ends: readonly number[], point: number): number {
  let low = 0;
  let high = ends.length - 1;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((ends[middle] ?? 1) > point) high = middle;
    else low = middle + 1;
  }
  return low;
}
