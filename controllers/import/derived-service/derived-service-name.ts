import { createHash } from "node:crypto";

const BASE32_HEX = "0123456789abcdefghijklmnopqrstuv";

/**
 * Name of the Service that carries an import's clusterset IP: `derived-` and the first ten characters of the
 * lower-case base32hex SHA-256 of `namespace/name`, as the reference controllers and Cilium do (VIP-11).
 */
export function derivedServiceName(namespace: string, name: string): string {
  return `derived-${shortHash(`${namespace}/${name}`)}`;
}

/** 50 bits of SHA-256 in ten characters that any Kubernetes name may hold. */
export function shortHash(text: string): string {
  const digest = createHash("sha256").update(text).digest();
  let bits = 0n;
  for (const byte of digest.subarray(0, 7)) bits = (bits << 8n) | BigInt(byte);
  let hash = "";
  for (let shift = 51n; shift >= 6n; shift -= 5n) hash += BASE32_HEX[Number((bits >> shift) & 31n)];
  return hash;
}
