import type { Random } from "../../../runtime/random/random.ts";

/** Kubernetes' alphabet for generated names: no vowels and no look-alikes, so no words appear. */
const ALPHABET = "bcdfghjklmnpqrstvwxz2456789";
const SUFFIX_LENGTH = 5;
/** A longer prefix is cut, so that the name stays a valid label. */
const PREFIX_LENGTH_MAX = 63 - SUFFIX_LENGTH;

export function randomNameSuffix(random: Random): string {
  let suffix = "";
  for (let i = 0; i < SUFFIX_LENGTH; i += 1) {
    suffix += ALPHABET.charAt(Math.floor(random.next() * ALPHABET.length));
  }
  return suffix;
}

export function generatedName(prefix: string, suffix: string): string {
  return prefix.slice(0, PREFIX_LENGTH_MAX) + suffix;
}
