import type { Random } from "../../runtime/random/random.ts";

/** Kubernetes' alphabet for generated names: no vowels, nothing that looks alike. */
const ALPHABET = "bcdfghjklmnpqrstvwxz2456789";

/** Five characters, as in `web-7d4b9-x2x7k`. */
export function nameSuffix(random: Random): string {
  return Array.from(
    { length: 5 },
    () => ALPHABET[Math.floor(random.next() * ALPHABET.length)] ?? "x",
  ).join("");
}
