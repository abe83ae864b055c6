const UNITS = ["", "K", "M", "G", "T"];

/**
 * Bits per second as tc(8) shows the rate that the kernel makes of it, so that what is wanted and what is there can be
 * compared: whole bytes, and digits that a larger unit has no room for left out.
 */
export function kernelRate(bitsPerSecond: number): string {
  let rate = Math.floor(bitsPerSecond / 8) * 8;
  let unit = 0;
  while (unit < UNITS.length - 1 && rate >= 1000 && (rate % 1000 === 0 || rate >= 1_000_000)) {
    rate = Math.floor(rate / 1000);
    unit += 1;
  }
  return `${rate}${UNITS[unit]}bit`;
}
