import { err, ok, type Result } from "../result.ts";

const FACTORS: Readonly<Record<string, number>> = { "": 1, k: 1e3, M: 1e6, G: 1e9 };
const RATE = /^([0-9]{1,9}(?:\.[0-9]{1,3})?)([kMG]?)bit$/;

/** Traffic control counts in bytes and refuses a class that would never send. */
export const RATE_MIN = 8_000;
export const RATE_MAX = 1e12;

/** `50Mbit`, `1.5Gbit`: bits per second, factors of 1000 as tc(8) has them for `bit`. */
export function parseRate(text: string): Result<number, string> {
  const [, number = "", unit = ""] = RATE.exec(text) ?? [];
  const rate = Math.round(Number(number) * (FACTORS[unit] ?? Number.NaN));
  return number !== "" && rate >= RATE_MIN && rate <= RATE_MAX
    ? ok(rate)
    : err(
        `rate must be a number and bit, kbit, Mbit or Gbit, from 8kbit to 1000Gbit: got ${JSON.stringify(text.slice(0, 40))}`,
      );
}
