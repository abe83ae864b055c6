// First: the certificate library registers its parts through it.
import "reflect-metadata";
import { createPublicKey } from "node:crypto";
import * as x509 from "@peculiar/x509";
import { err, ok, type Result } from "../../../api/result.ts";
import { importKeyPair, SIGNING_ALGORITHM } from "./key-pair.ts";
import { publicKeyFingerprint } from "./public-key-fingerprint.ts";

/** A P-256 request takes about 300 bytes. */
const MAX_REQUEST_BYTES = 4096;

/** A key whose owner has proved to hold the private half. */
export interface CertificateRequest {
  readonly publicKey: x509.PublicKey;
  /** SHA-256 of the public key, base64url. */
  readonly fingerprint: string;
}

/** PKCS #10 in DER for a private key in PEM. The subject is empty: the authority gives the name. */
export async function createCertificateRequest(
  keyPem: string,
): Promise<Result<Uint8Array, string>> {
  const keys = await importKeyPair(keyPem);
  if (!keys.ok) return keys;
  const request = await x509.Pkcs10CertificateRequestGenerator.create({
    signingAlgorithm: SIGNING_ALGORITHM,
    keys: keys.value,
  });
  return ok(new Uint8Array(request.rawData));
}

/** Checks size, key type and the signature that proves possession of the private key. */
export async function parseCertificateRequest(
  der: Uint8Array,
): Promise<Result<CertificateRequest, string>> {
  if (der.length > MAX_REQUEST_BYTES) {
    return err(
      `cannot read certificate request: must be at most ${MAX_REQUEST_BYTES} bytes: got ${der.length}`,
    );
  }
  try {
    const request = new x509.Pkcs10CertificateRequest(new Uint8Array(der));
    const key = createPublicKey({
      key: Buffer.from(request.publicKey.rawData),
      format: "der",
      type: "spki",
    });
    const curve = key.asymmetricKeyDetails?.namedCurve;
    if (curve !== "prime256v1") {
      const seen = `${key.asymmetricKeyType ?? "unknown"} ${curve ?? ""}`.trim();
      return err(`cannot accept certificate request: key must be ECDSA on P-256: got ${seen}`);
    }
    if (!(await request.verify())) {
      return err("cannot accept certificate request: must be signed by its own key: it is not");
    }
    return ok({ publicKey: request.publicKey, fingerprint: publicKeyFingerprint(key) });
  } catch {
    return err("cannot read certificate request: must be PKCS #10 in DER: got something else");
  }
}
