import { createHash } from "node:crypto";

/** VIP-11, apart from the product's code: `derived-` and the first 50 bits of SHA-256 of `namespace/name` in base32hex. */
export function derivedName(namespace: string, name: string): string {
  const key = `${namespace}/${name}`;
  const known = NAMES.get(key);
  if (known !== undefined) return known;
  const made = makeName(key);
  NAMES.set(key, made);
  return made;
}

/** BOUNDED: by the services that scripts know. */
const NAMES = new Map<string, string>();

function makeName(key: string): string {
  const digest = createHash("sha256").update(key).digest();
  const bits = [...digest.subarray(0, 7)].map((byte) => byte.toString(2).padStart(8, "0")).join("");
  const digits = [...bits.slice(0, 50).matchAll(/.{5}/g)].map(([five]) => parseInt(five, 2));
  return `derived-${digits.map((digit) => digit.toString(32)).join("")}`;
}
