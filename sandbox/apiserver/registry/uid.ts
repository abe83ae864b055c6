import type { Random } from "../../../runtime/random/random.ts";

/** A version 4 UUID from the injected randomness, so that simulations repeat. */
export function newUid(random: Random): string {
  let hex = "";
  for (let at = 0; at < 32; at += 1) {
    const digit = Math.floor(random.next() * 16);
    if (at === 12) hex += "4";
    else if (at === 16) hex += ((digit & 0x3) | 0x8).toString(16);
    else hex += digit.toString(16);
  }
  return [
    hex.slice(0, 8),
    hex.slice(8, 12),
    hex.slice(12, 16),
    hex.slice(16, 20),
    hex.slice(20),
  ].join("-");
}
