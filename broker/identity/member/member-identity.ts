import { X509Certificate } from "node:crypto";
import { err, ok, type Result } from "../../../api/result.ts";
import { renewalDueMs } from "../authority/certificate-life.ts";
import {
  certificateFingerprint,
  privateKeyFingerprint,
} from "../authority/public-key-fingerprint.ts";
import { formatIdentityUri, type PeerIdentity } from "../identity-uri.ts";
import { parsePeerIdentity } from "../peer-identity.ts";
import { parseTrustedAuthorities } from "./trusted-authorities.ts";

/** All a member needs to speak to the broker: who it is, how it proves that, whom it trusts, where to dial. */
export interface MemberIdentity extends PeerIdentity {
  /** PKCS #8. Secret. */
  readonly keyPem: string;
  /** Leaf first. */
  readonly certPem: string;
  /** PEM of every authority that a broker may hold a certificate of. */
  readonly caPem: string;
  /** host:port */
  readonly brokerAddress: string;
}

/** Whom an identity is about, whatever certificate says so. */
export function nameOf(identity: PeerIdentity): string {
  return formatIdentityUri(identity);
}

/** When a certificate should be renewed and when it ends, wall time. */
export interface CertificateTimes {
  readonly renewAtMs: number;
  readonly expiresAtMs: number;
}

/** Of an identity whose certificate has been parsed before. */
export function certificateTimes({ certPem }: Pick<MemberIdentity, "certPem">): CertificateTimes {
  const { validFromDate, validToDate } = new X509Certificate(certPem);
  const [notBeforeMs, notAfterMs] = [validFromDate.getTime(), validToDate.getTime()];
  return { renewAtMs: renewalDueMs({ notBeforeMs, notAfterMs }), expiresAtMs: notAfterMs };
}

/** The parts as they are kept; the rest of a MemberIdentity is read from the certificate. */
export type MemberMaterial = Pick<MemberIdentity, "keyPem" | "certPem" | "caPem" | "brokerAddress">;

/**
 * Checks that key, certificate and authority belong together and are within their dates.
 * Errors name the part and the rule.
 */
export function parseMemberIdentity(
  material: MemberMaterial,
  nowMs: number,
): Result<MemberIdentity, string> {
  const certificate = readCertificate("certificate", material.certPem);
  if (!certificate.ok) return certificate;
  const authorities = parseTrustedAuthorities(material.caPem);
  if (!authorities.ok) return authorities;
  const key = readKey(material.keyPem);
  if (!key.ok) return key;
  if (key.value !== certificateFingerprint(certificate.value)) {
    return err("cannot use member identity: key and certificate must belong together: they do not");
  }
  const isIssued = authorities.value.some(
    (ca) => certificate.value.checkIssued(ca) && certificate.value.verify(ca.publicKey),
  );
  if (!isIssued) {
    return err(
      "cannot use member identity: certificate must be issued by the authority: it is not",
    );
  }
  const expiresAt = certificate.value.validToDate;
  if (expiresAt.getTime() <= nowMs) {
    return err(
      `cannot use member identity: certificate must be unexpired: it expired at ${expiresAt.toISOString()} (join again with a new token)`,
    );
  }
  const peer = parsePeerIdentity(certificate.value.raw);
  return peer.ok ? ok({ ...peer.value, ...pick(material) }) : peer;
}

/** Which parts of an identity are kept. */
function pick(material: MemberMaterial): MemberMaterial {
  const { keyPem, certPem, caPem, brokerAddress } = material;
  return { keyPem, certPem, caPem, brokerAddress };
}

function readCertificate(what: string, pem: string): Result<X509Certificate, string> {
  try {
    return ok(new X509Certificate(pem));
  } catch {
    return err(
      `cannot use member identity: ${what} must be X.509 in PEM: got ${pem.length} characters of something else`,
    );
  }
}

function readKey(pem: string): Result<string, string> {
  try {
    return ok(privateKeyFingerprint(pem));
  } catch {
    return err("cannot use member identity: key must be a private key in PEM: got something else");
  }
}
