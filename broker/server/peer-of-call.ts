import { X509Certificate } from "node:crypto";
import { err, ok, type Result } from "../../api/result.ts";
import type { SessionPeer } from "../core/session-io.ts";
import { certificateFingerprint } from "../identity/authority/public-key-fingerprint.ts";
import { parsePeerIdentity } from "../identity/peer-identity.ts";

/** As much of a gRPC call as tells who makes it. */
export interface CertifiedCall {
  getAuthContext(): { readonly sslPeerCertificate?: { readonly raw: Buffer } | undefined };
}

/** A member at the other end of a call, and the key that it proved to hold. */
export interface CertifiedPeer {
  readonly peer: Required<SessionPeer>;
  /** SHA-256 of the public key, base64url. */
  readonly keyFingerprint: string;
}

/**
 * Who makes a call: the client certificate alone says (I3, SEC-05). The TLS layer checked it when the connection was
 * made, so its end is checked again: a connection may outlive it.
 */
export function peerOfCall(
  call: CertifiedCall,
  { clusterset, nowMs }: { readonly clusterset: string; readonly nowMs: number },
): Result<CertifiedPeer, string> {
  const shown = call.getAuthContext().sslPeerCertificate;
  if (shown === undefined) {
    return err("call must present a client certificate of this clusterset: got none that is valid");
  }
  const identity = parsePeerIdentity(shown.raw);
  if (!identity.ok) return identity;
  const { clusterId: cluster, incarnation } = identity.value;
  if (identity.value.clusterset !== clusterset) {
    return err(
      `client certificate must be for clusterset ${clusterset}: got ${identity.value.clusterset}`,
    );
  }
  const certificate = new X509Certificate(shown.raw);
  const certificateExpiresAtMs = certificate.validToDate.getTime();
  if (certificateExpiresAtMs <= nowMs) {
    return err(
      `client certificate must be unexpired: it expired at ${certificate.validToDate.toISOString()}`,
    );
  }
  const certificateSerial = certificate.serialNumber;
  return ok({
    peer: { cluster, incarnation, certificateSerial, certificateExpiresAtMs },
    keyFingerprint: certificateFingerprint(certificate),
  });
}
