import type { CertificateAuthority } from "./certificate-authority.ts";

/** The authorities of one clusterset that are in force now: one, or two while the authority is being rotated. */
export interface Authorities {
  readonly clusterset: string;
  /** Signs whatever is issued now. */
  readonly signing: CertificateAuthority;
  /** Whose certificates are accepted. The signing one comes first. */
  readonly trusted: readonly CertificateAuthority[];
  /** Fingerprints that a token made now names: a broker that holds any of these is the right one for as long as it lives. */
  readonly tokenPins: readonly string[];
  /** Called after any of these changed. Returns the way to stop it. */
  subscribe(listener: () => void): () => void;
}

/** PEM of all that are trusted, the signing one first. */
export function trustBundle({ trusted }: Pick<Authorities, "trusted">): string {
  return trusted.map(({ certPem }) => certPem).join("");
}

/** One authority that is never rotated: for tests and measurements. */
export function soleAuthority(authority: CertificateAuthority): Authorities {
  return {
    clusterset: authority.clusterset,
    signing: authority,
    trusted: [authority],
    tokenPins: [authority.fingerprint],
    subscribe: () => () => undefined,
  };
}
