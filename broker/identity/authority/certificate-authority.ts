// First: the certificate library registers its parts through it.
import "reflect-metadata";
import { X509Certificate as NodeCertificate, randomBytes } from "node:crypto";
import { isIP } from "node:net";
import * as x509 from "@peculiar/x509";
import { parseDnsLabel } from "../../../api/dns-label.ts";
import { err, ok, type Result } from "../../../api/result.ts";
import type { Clock } from "../../../runtime/clock/clock.ts";
import { formatIdentityUri, type PeerIdentity } from "../identity-uri.ts";
import { AUTHORITY_LIFE_MS, CLOCK_SKEW_MS, MEMBER_LIFE } from "./certificate-life.ts";
import type { CertificateRequest } from "./certificate-request.ts";
import { generateKeyPem, importKeyPair, type KeyPair, SIGNING_ALGORITHM } from "./key-pair.ts";
import { certificateFingerprint, privateKeyFingerprint } from "./public-key-fingerprint.ts";

/**
 * The name every broker's certificate carries and every member asks for, whatever address it dialled: only
 * the clusterset's authority can issue it, and load balancers and port forwards need no certificate of their own.
 */
export const BROKER_SERVER_NAME = "broker.isthmus.internal";

export interface IssuedCertificate {
  readonly certPem: string;
  /** Hexadecimal. */
  readonly serial: string;
  readonly notAfterMs: number;
}

export interface AuthorityMaterial {
  readonly keyPem: string;
  readonly certPem: string;
}

/** Key and self-signed certificate of a new authority for `clusterset` (one DNS label). */
export async function createAuthorityMaterial(
  clusterset: string,
  clock: Clock,
): Promise<Result<AuthorityMaterial, string>> {
  const label = parseDnsLabel("clusterset", clusterset);
  if (!label.ok) return label;
  const keyPem = await generateKeyPem();
  const keys = await importKeyPair(keyPem);
  if (!keys.ok) return keys;
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    serialNumber: newSerial(),
    name: [{ CN: ["Isthmus authority"] }, { O: [clusterset] }],
    notBefore: new Date(clock.nowMs() - CLOCK_SKEW_MS),
    notAfter: new Date(clock.nowMs() + AUTHORITY_LIFE_MS),
    signingAlgorithm: SIGNING_ALGORITHM,
    keys: keys.value,
    extensions: [
      new x509.BasicConstraintsExtension(true, 0, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign, true),
      await x509.SubjectKeyIdentifierExtension.create(keys.value.publicKey),
    ],
  });
  return ok({ keyPem, certPem: `${certificate.toString("pem")}\n` });
}

/** Signs the certificates of one clusterset. */
export class CertificateAuthority {
  readonly clusterset: string;
  readonly certPem: string;
  /** SHA-256 of the public key, base64url: what join tokens pin. */
  readonly fingerprint: string;
  readonly #keys: KeyPair;
  readonly #issuer: x509.X509Certificate;
  readonly #clock: Clock;

  private constructor(
    clusterset: string,
    certificate: NodeCertificate,
    keys: KeyPair,
    clock: Clock,
  ) {
    this.clusterset = clusterset;
    this.certPem = certificate.toString();
    this.fingerprint = certificateFingerprint(certificate);
    this.#keys = keys;
    this.#issuer = new x509.X509Certificate(certificate.raw);
    this.#clock = clock;
  }

  /** Error: key and certificate do not belong together, are not an authority's, or have expired. */
  static async open(
    material: AuthorityMaterial,
    clock: Clock,
  ): Promise<Result<CertificateAuthority, string>> {
    const keys = await importKeyPair(material.keyPem);
    if (!keys.ok) return keys;
    let certificate: NodeCertificate;
    try {
      certificate = new NodeCertificate(material.certPem);
    } catch {
      return err("cannot read authority certificate: must be PEM: got something else");
    }
    if (certificateFingerprint(certificate) !== privateKeyFingerprint(material.keyPem)) {
      return err("cannot use authority: certificate and key must belong together: they do not");
    }
    const clusterset = /^O=(.+)$/m.exec(certificate.subject)?.[1];
    if (!certificate.ca || clusterset === undefined) {
      return err(
        `cannot use authority: must be an Isthmus authority: got subject ${JSON.stringify(certificate.subject)}`,
      );
    }
    if (certificate.validToDate.getTime() <= clock.nowMs()) {
      return err(
        `cannot use authority: certificate expired at ${certificate.validToDate.toISOString()}`,
      );
    }
    return ok(new CertificateAuthority(clusterset, certificate, keys.value, clock));
  }

  /** A client certificate: the name is ours to give, nothing of the request but its key is used. */
  issueMember(
    request: CertificateRequest,
    identity: PeerIdentity,
    lifetimeMs: number = MEMBER_LIFE.defaultMs,
  ): Promise<IssuedCertificate> {
    return this.#issue({
      subject: identity.clusterId,
      publicKey: request.publicKey,
      lifetimeMs,
      usage: x509.ExtendedKeyUsage.clientAuth,
      names: [{ type: "url", value: formatIdentityUri(identity) }],
    });
  }

  /** A server certificate for the broker: BROKER_SERVER_NAME and the host names and IPs given. */
  issueBroker(
    publicKey: x509.PublicKeyType,
    hosts: readonly string[],
    lifetimeMs: number,
  ): Promise<IssuedCertificate> {
    const names = [...new Set([BROKER_SERVER_NAME, ...hosts])];
    return this.#issue({
      subject: BROKER_SERVER_NAME,
      publicKey,
      lifetimeMs,
      usage: x509.ExtendedKeyUsage.serverAuth,
      names: names.map((value) => ({ type: isIP(value) === 0 ? "dns" : "ip", value })),
    });
  }

  async #issue(request: IssueRequest): Promise<IssuedCertificate> {
    const nowMs = this.#clock.nowMs();
    // A certificate that outlives its issuer is refused by verifiers without a clear reason.
    const notAfterMs = Math.min(nowMs + request.lifetimeMs, this.#issuer.notAfter.getTime());
    const serial = newSerial();
    const certificate = await x509.X509CertificateGenerator.create({
      serialNumber: serial,
      subject: [{ CN: [request.subject] }],
      issuer: this.#issuer.subjectName,
      notBefore: new Date(nowMs - CLOCK_SKEW_MS),
      notAfter: new Date(notAfterMs),
      signingAlgorithm: SIGNING_ALGORITHM,
      publicKey: request.publicKey,
      signingKey: this.#keys.privateKey,
      extensions: [
        new x509.BasicConstraintsExtension(false, undefined, true),
        new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
        new x509.ExtendedKeyUsageExtension([request.usage], true),
        new x509.SubjectAlternativeNameExtension([...request.names]),
        await x509.AuthorityKeyIdentifierExtension.create(this.#keys.publicKey),
      ],
    });
    return { certPem: `${certificate.toString("pem")}\n`, serial, notAfterMs };
  }
}

interface IssueRequest {
  readonly subject: string;
  readonly publicKey: x509.PublicKeyType;
  readonly lifetimeMs: number;
  readonly usage: x509.ExtendedKeyUsage;
  readonly names: readonly { readonly type: "url" | "dns" | "ip"; readonly value: string }[];
}

/** 16 random bytes, positive and without leading zero (RFC 5280, section 4.1.2.2). */
function newSerial(): string {
  const bytes = randomBytes(16);
  bytes[0] = ((bytes[0] ?? 0) & 0x7f) | 0x40;
  return bytes.toString("hex");
}
