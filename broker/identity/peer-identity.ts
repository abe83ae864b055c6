import { X509Certificate } from "node:crypto";
import { err, ok, type Result } from "../../api/result.ts";
import { type PeerIdentity, parseIdentityUri } from "./identity-uri.ts";

/** OID of extendedKeyUsage clientAuth (RFC 5280, section 4.2.1.12). */
const CLIENT_AUTH = "1.3.6.1.5.5.7.3.2";

/**
 * Who a client certificate, in DER, speaks for. The TLS layer has checked that the authority signed it
 * and that it is within its dates: here only what it says is read. Exactly one subject alternative name
 * is accepted, it must be ours, and the common name must agree with it.
 */
export function parsePeerIdentity(der: Uint8Array): Result<PeerIdentity, string> {
  let certificate: X509Certificate;
  try {
    certificate = new X509Certificate(der);
  } catch {
    return err("cannot read client certificate: must be an X.509 certificate: got something else");
  }
  if (certificate.ca || !(certificate.keyUsage ?? []).includes(CLIENT_AUTH)) {
    return err("cannot accept client certificate: must be for clientAuth: got another key usage");
  }
  const names = certificate.subjectAltName ?? "none";
  if (!names.startsWith("URI:")) {
    const seen = JSON.stringify(names.slice(0, 200));
    return err(`cannot accept client certificate: must have one URI as its name: got ${seen}`);
  }
  const identity = parseIdentityUri(names.slice("URI:".length));
  if (!identity.ok) return identity;
  const subject = `CN=${identity.value.clusterId}`;
  if (certificate.subject !== subject) {
    return err(
      `cannot accept client certificate: subject must be ${subject}: got ${JSON.stringify(certificate.subject.slice(0, 200))}`,
    );
  }
  return ok(identity.value);
}
