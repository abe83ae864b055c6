import type { Result } from "../../api/result.ts";

/** Turns join tokens into client certificates. Implemented by broker/identity. */
export interface IdentityAuthority {
  join(request: JoinIdentityRequest): Promise<Result<JoinOutcome, JoinError>>;
}

/** As it came over the wire: nothing in it has been checked. */
export interface JoinIdentityRequest {
  readonly clusterId: string;
  readonly token: string;
  /** DER, PKCS #10. */
  readonly csrDer: Uint8Array;
}

export interface JoinOutcome {
  /** PEM, leaf first. */
  readonly certificateChainPem: string;
  readonly caPem: string;
  readonly clusterset: string;
  readonly incarnation: number;
}

export interface JoinError {
  /**
   * invalid: the request is malformed; denied: the token is unknown, expired, used or for another cluster;
   * taken: the cluster id is a member already; unavailable: try again later.
   */
  readonly kind: "invalid" | "denied" | "taken" | "unavailable";
  /** Safe to show to the caller: the rule and the value seen, never a secret. */
  readonly text: string;
}
