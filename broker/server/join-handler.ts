import { type handleUnaryCall, status } from "@grpc/grpc-js";
import type { JoinRequest, JoinResponse } from "../../api/broker/broker.gen.ts";
import { err, ok, type Result } from "../../api/result.ts";
import type { Logger } from "../../runtime/log/log.ts";

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

type JoinCall = Parameters<handleUnaryCall<JoinRequest, JoinResponse>>[0];
type JoinCallback = Parameters<handleUnaryCall<JoinRequest, JoinResponse>>[1];

const STATUS: Readonly<Record<JoinError["kind"], status>> = {
  invalid: status.INVALID_ARGUMENT,
  denied: status.PERMISSION_DENIED,
  taken: status.ALREADY_EXISTS,
  unavailable: status.UNAVAILABLE,
};

/** Answers Join calls. What callers send is logged at debug only: nobody has vouched for them. */
export function createJoinHandler(
  authority: IdentityAuthority,
  log: Logger,
): (call: JoinCall, callback: JoinCallback) => void {
  return ({ request }, callback) => {
    // Never rejects: every failure is an answer.
    void respond(authority, log, request, callback);
  };
}

async function respond(
  authority: IdentityAuthority,
  log: Logger,
  request: JoinRequest,
  callback: JoinCallback,
): Promise<void> {
  const answer = await answerJoin(authority, log, request);
  if (answer.ok) callback(null, answer.value);
  else callback(answer.error);
}

async function answerJoin(
  authority: IdentityAuthority,
  log: Logger,
  { clusterId, token, certificateRequest }: JoinRequest,
): Promise<Result<JoinResponse, { readonly code: status; readonly details: string }>> {
  let joined: Result<JoinOutcome, JoinError>;
  try {
    joined = await authority.join({ clusterId, token, csrDer: certificateRequest });
  } catch (error) {
    log.error("join failed", { err: error });
    return err({ code: status.INTERNAL, details: "cannot join: the broker failed: see its log" });
  }
  if (!joined.ok) {
    const { kind, text } = joined.error;
    log.info("join refused", { reason: kind });
    log.debug("join refusal", { text });
    return err({ code: STATUS[kind], details: text });
  }
  const { certificateChainPem, caPem, clusterset, incarnation } = joined.value;
  log.info("member joined", { cluster: clusterId, incarnation });
  return ok({
    certificateChain: certificateChainPem,
    caCertificate: caPem,
    clusterset,
    incarnation,
  });
}
