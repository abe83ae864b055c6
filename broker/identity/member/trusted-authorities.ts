import { X509Certificate } from "node:crypto";
import { err, ok, type Result } from "../../../api/result.ts";

const CERTIFICATE = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g;
/** BOUNDED: a clusterset has one authority, and two while it is rotated. */
const MAX_AUTHORITIES = 4;

/** The authority certificates in a PEM bundle, in order. Error: none, too many, or something that is no authority. */
export function parseTrustedAuthorities(pem: string): Result<readonly X509Certificate[], string> {
  const blocks = pem.match(CERTIFICATE) ?? [];
  if (blocks.length === 0 || blocks.length > MAX_AUTHORITIES) {
    return err(
      `cannot use authorities: must be 1 to ${MAX_AUTHORITIES} certificates in PEM: got ${blocks.length}`,
    );
  }
  const certificates: X509Certificate[] = [];
  for (const block of blocks) {
    let certificate: X509Certificate;
    try {
      certificate = new X509Certificate(block);
    } catch {
      return err("cannot use authorities: authority certificate must be X.509 in PEM: it is not");
    }
    if (!certificate.ca) {
      const { subject } = certificate;
      return err(`cannot use authorities: must be authorities: got ${JSON.stringify(subject)}`);
    }
    certificates.push(certificate);
  }
  return ok(certificates);
}
