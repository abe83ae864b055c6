import { createPrivateKey, createPublicKey, KeyObject, webcrypto } from "node:crypto";
import { err, ok, type Result } from "../../../api/result.ts";

/** The one signature suite of the clusterset: ECDSA on P-256 with SHA-256. */
export const SIGNING_ALGORITHM = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" } as const;

/** A key that signs and the key that checks, in the form that the certificate library takes. */
export interface KeyPair {
  readonly privateKey: webcrypto.CryptoKey;
  readonly publicKey: webcrypto.CryptoKey;
}

/** A new private key, PKCS #8 PEM. */
export async function generateKeyPem(): Promise<string> {
  const pair = await webcrypto.subtle.generateKey(SIGNING_ALGORITHM, true, ["sign", "verify"]);
  return KeyObject.from(pair.privateKey).export({ type: "pkcs8", format: "pem" }).toString();
}

/** Error: not a PEM private key, or not on P-256. The key itself never appears in the text. */
export async function importKeyPair(pem: string): Promise<Result<KeyPair, string>> {
  try {
    const privateKey = createPrivateKey(pem);
    const curve = privateKey.asymmetricKeyDetails?.namedCurve;
    if (curve !== "prime256v1") {
      const seen = `${privateKey.asymmetricKeyType ?? "unknown"} ${curve ?? ""}`.trim();
      return err(`cannot read private key: must be ECDSA on P-256: got ${seen}`);
    }
    const pkcs8 = privateKey.export({ type: "pkcs8", format: "der" });
    const spki = createPublicKey(privateKey).export({ type: "spki", format: "der" });
    const { subtle } = webcrypto;
    return ok({
      privateKey: await subtle.importKey("pkcs8", pkcs8, SIGNING_ALGORITHM, true, ["sign"]),
      publicKey: await subtle.importKey("spki", spki, SIGNING_ALGORITHM, true, ["verify"]),
    });
  } catch {
    return err(
      "cannot read private key: must be an unencrypted PEM private key: got something else",
    );
  }
}
