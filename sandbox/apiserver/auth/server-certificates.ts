import "reflect-metadata";
import { webcrypto } from "node:crypto";
import * as x509 from "@peculiar/x509";
import { MASTERS } from "./user.ts";

/** PEM texts of a cluster's authority, its server and its administrator. */
export interface ClusterCertificates {
  readonly ca: string;
  readonly server: KeyPair;
  readonly admin: KeyPair;
}

export interface KeyPair {
  readonly certificate: string;
  /** PKCS 8. */
  readonly key: string;
}

export interface CertificateOptions {
  /** Names and addresses by which clients reach the server. */
  readonly serverNames: readonly string[];
  /** Epoch milliseconds. */
  readonly nowMs: number;
}

const KEY = { name: "ECDSA", namedCurve: "P-256" } as const;
const SIGNING = { name: "ECDSA", hash: "SHA-256" } as const;
const VALID_MS = 365 * 24 * 3600 * 1000;
/** Peers' clocks may be a little behind ours. */
const BACKDATE_MS = 3600 * 1000;
const SERVER_AUTH = "1.3.6.1.5.5.7.3.1";
const CLIENT_AUTH = "1.3.6.1.5.5.7.3.2";

interface Authority {
  readonly certificate: x509.X509Certificate;
  readonly key: webcrypto.CryptoKey;
}

/** Makes a new authority and what it signs for one cluster. The authority's key is not kept. */
export async function makeClusterCertificates(
  options: CertificateOptions,
): Promise<ClusterCertificates> {
  const authority = await makeAuthority(options.nowMs);
  const [server, admin] = await Promise.all([
    issue(authority, {
      name: "CN=kube-apiserver",
      usage: SERVER_AUTH,
      names: options.serverNames,
      nowMs: options.nowMs,
    }),
    issue(authority, {
      name: `CN=kubernetes-admin,O=${MASTERS}`,
      usage: CLIENT_AUTH,
      names: [],
      nowMs: options.nowMs,
    }),
  ]);
  return { ca: authority.certificate.toString("pem"), server, admin };
}

async function makeAuthority(nowMs: number): Promise<Authority> {
  const keys = await webcrypto.subtle.generateKey(KEY, true, ["sign", "verify"]);
  const certificate = await x509.X509CertificateGenerator.createSelfSigned(
    {
      serialNumber: serialNumber(),
      name: "CN=kubernetes",
      ...validity(nowMs),
      signingAlgorithm: SIGNING,
      keys,
      extensions: [
        new x509.BasicConstraintsExtension(true, 0, true),
        new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign, true),
        await x509.SubjectKeyIdentifierExtension.create(keys.publicKey, false, webcrypto),
      ],
    },
    webcrypto,
  );
  return { certificate, key: keys.privateKey };
}

async function issue(
  authority: Authority,
  subject: {
    readonly name: string;
    readonly usage: string;
    readonly names: readonly string[];
    readonly nowMs: number;
  },
): Promise<KeyPair> {
  const keys = await webcrypto.subtle.generateKey(KEY, true, ["sign", "verify"]);
  const alternativeNames = subject.names.map((name) => ({
    type: /^[0-9.]+$|:/.test(name) ? ("ip" as const) : ("dns" as const),
    value: name,
  }));
  const certificate = await x509.X509CertificateGenerator.create(
    {
      serialNumber: serialNumber(),
      subject: subject.name,
      issuer: authority.certificate.subject,
      ...validity(subject.nowMs),
      signingAlgorithm: SIGNING,
      publicKey: keys.publicKey,
      signingKey: authority.key,
      extensions: [
        new x509.BasicConstraintsExtension(false, undefined, true),
        new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
        new x509.ExtendedKeyUsageExtension([subject.usage]),
        ...(alternativeNames.length === 0
          ? []
          : [new x509.SubjectAlternativeNameExtension(alternativeNames)]),
        await x509.AuthorityKeyIdentifierExtension.create(authority.certificate, false, webcrypto),
      ],
    },
    webcrypto,
  );
  const key = await webcrypto.subtle.exportKey("pkcs8", keys.privateKey);
  return {
    certificate: certificate.toString("pem"),
    key: x509.PemConverter.encode(key, "PRIVATE KEY"),
  };
}

function validity(nowMs: number): { readonly notBefore: Date; readonly notAfter: Date } {
  return { notBefore: new Date(nowMs - BACKDATE_MS), notAfter: new Date(nowMs + VALID_MS) };
}

function serialNumber(): string {
  const bytes = webcrypto.getRandomValues(new Uint8Array(16));
  // Positive, and without a leading zero byte.
  bytes[0] = ((bytes[0] ?? 0) & 0x7f) | 0x40;
  return Buffer.from(bytes).toString("hex");
}
