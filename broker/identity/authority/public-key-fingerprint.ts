import { createHash, createPublicKey, type KeyObject, type X509Certificate } from "node:crypto";

/**
 * SHA-256 over the SubjectPublicKeyInfo, base64url: names a key whatever certificate carries it, so that
 * a token outlives a renewal of the authority's certificate.
 */
export function publicKeyFingerprint(key: KeyObject): string {
  const spki = key.export({ type: "spki", format: "der" });
  return createHash("sha256").update(spki).digest("base64url");
}

export function certificateFingerprint(certificate: X509Certificate): string {
  return publicKeyFingerprint(certificate.publicKey);
}

/** Fingerprint of the public half of a private key in PEM. Throws when it is not a key. */
export function privateKeyFingerprint(pem: string): string {
  return publicKeyFingerprint(createPublicKey(pem));
}
