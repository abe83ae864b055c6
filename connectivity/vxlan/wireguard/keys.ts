import { createHash, generateKeyPairSync } from "node:crypto";

/** A Curve25519 pair as WireGuard writes it: base64 of 32 bytes each. */
export interface KeyPair {
  readonly privateKey: string;
  readonly publicKey: string;
}

export function generateKeyPair(): KeyPair {
  const { privateKey } = generateKeyPairSync("x25519");
  const { d = "", x = "" } = privateKey.export({ format: "jwk" });
  return { privateKey: fromUrl(d), publicKey: fromUrl(x) };
}

/** 32 bytes have 43 digits of base64 and one sign of padding; the last digit has two bits to spare. */
export function isPublicKey(text: string): boolean {
  return /^[A-Za-z0-9+/]{42}[AEIMQUYcgkosw048]=$/.test(text);
}

/**
 * The address of a key's owner inside WireGuard, which accepts it from nobody else. Made from the key, so that everybody knows
 * it who knows the key, and the two keys of a rotation have two (RFC 4193 block "isth").
 */
export function keyAddress(publicKey: string): string {
  const hash = createHash("sha256").update(`isthmus wireguard ${publicKey}`).digest("hex");
  const groups = [0, 4, 8, 12].map((at) => Number.parseInt(hash.slice(at, at + 4), 16) || 1);
  return `fd69:7374:6800:1:${groups.map((group) => group.toString(16)).join(":")}`;
}

/** Every key has a device of its own: a device has one private key. */
export function deviceName(prefix: string, publicKey: string): string {
  return `${prefix}${createHash("sha256").update(publicKey).digest("hex").slice(0, 6)}`;
}

function fromUrl(text: string): string {
  return Buffer.from(text, "base64url").toString("base64");
}
