import { X509Certificate } from "node:crypto";
import type { ClusterId } from "../../../api/cluster-id.ts";
import { err, ok, type Result } from "../../../api/result.ts";

/** How a member proves to others who it is, and whom it believes. */
export interface TunnelIdentity {
  readonly cluster: ClusterId;
  /** PKCS #8. Secret. */
  readonly keyPem: string;
  readonly certPem: string;
  /** PEM of each authority of the clusterset that is trusted now. */
  readonly authorities: readonly string[];
}

/** Reads the cluster id in a member's certificate (DER), whoever signed it. Error: it is no member's of this clusterset. */
export type ReadCluster = (der: Uint8Array) => Result<ClusterId, string>;

/**
 * Which member a certificate speaks for, checked whole: issued by a trusted authority, within its dates, a member's. TLS has
 * shown that the peer holds the key. Members' certificates are for clients (RFC 5280 section 4.2.1.12) since no member may pass
 * for the broker; between members either side may dial, so the side that is dialled is checked here and not by
 * the TLS library's rules for servers.
 */
export function checkPeerCertificate(
  der: Uint8Array | undefined,
  identity: Pick<TunnelIdentity, "authorities">,
  { readCluster, nowMs }: { readonly readCluster: ReadCluster; readonly nowMs: number },
): Result<{ readonly cluster: ClusterId; readonly expiresAtMs: number }, string> {
  const refuse = (rule: string): Result<never, string> => err(`cannot accept peer: ${rule}`);
  if (der === undefined || der.length === 0) return refuse("must have a certificate: got none");
  let certificate: X509Certificate;
  try {
    certificate = new X509Certificate(der);
  } catch {
    return refuse("must have an X.509 certificate: got something else");
  }
  const isTrusted = identity.authorities.some((pem) => {
    const authority = new X509Certificate(pem);
    return certificate.checkIssued(authority) && certificate.verify(authority.publicKey);
  });
  if (!isTrusted) {
    const issuer = JSON.stringify(certificate.issuer.slice(0, 200));
    return refuse(`certificate must be of the clusterset's authority: got one of ${issuer}`);
  }
  const [from, until] = [certificate.validFromDate, certificate.validToDate];
  if (nowMs < from.getTime() || nowMs >= until.getTime()) {
    const [start, end, now] = [from, until, new Date(nowMs)].map((date) => date.toISOString());
    return refuse(`certificate must be valid now, ${now}: it is from ${start} until ${end}`);
  }
  const cluster = readCluster(der);
  if (!cluster.ok) return cluster;
  return ok({ cluster: cluster.value, expiresAtMs: until.getTime() });
}
