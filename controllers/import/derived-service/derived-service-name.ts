import { hash } from "node:crypto";

const BASE32_HEX = "0123456789abcdefghijklmnopqrstuv";

/**
 * Name of the Service that carries an import's clusterset IP: `derived-` and the first ten characters of the
 * lower-case base32hex SHA-256 of `namespace/name`, as the reference controllers and Cilium do (VIP-11).
 */
export function derivedServiceName(namespace: string, name: string): string {
  return `derived-${shortHash(`${namespace}/${name}`)}`;
}

/** Whether an import may want this name for its derived Service or one of its slices: both end in a short hash. */
export function mayBeOurName(name: string): boolean {
  return /-[0-9a-v]{10}$/.test(name);
}

/** 50 bits of SHA-256 in ten characters that any Kubernetes name may hold. */
export function shortHash(text: string): string {
  const digest = hash("sha256", text, "buffer");
  let short = "";
  let held = 0;
  let bits = 0;
  for (const byte of digest.subarray(0, 7)) {
    held = ((held << 8) | byte) & 0xfff;
    for (bits += 8; bits >= 5 && short.length < 10; bits -= 5) {
      short += BASE32_HEX.charAt((held >> (bits - 5)) & 31);
    }
  }
  return short;
}
