import { type handleUnaryCall, status } from "@grpc/grpc-js";
import type { JoinRequest, JoinResponse } from "../../api/broker/broker.gen.ts";
import { err, ok, type Result } from "../../api/result.ts";
import type { Logger } from "../../runtime/log/log.ts";
import type { AuditLog } from "../audit/audit-log.ts";

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
  /** Every authority in force, the one that signed first. */
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

interface Deps {
  readonly authority: IdentityAuthority;
  readonly log: Logger;
  readonly audit: AuditLog;
}

/** Answers Join calls. What callers send is logged at debug only: nobody has vouched for them. */
export function createJoinHandler(deps: Deps): (call: JoinCall, callback: JoinCallback) => void {
  return (call, callback) => {
    // Never rejects: every failure is an answer.
    void respond(callback, answerJoin(call, deps));
  };
}

async function respond(
  callback: JoinCallback,
  answering: ReturnType<typeof answerJoin>,
): Promise<void> {
  const answer = await answering;
  if (answer.ok) callback(null, answer.value);
  else callback(answer.error);
}

async function answerJoin(
  call: JoinCall,
  { authority, log, audit }: Deps,
): Promise<Result<JoinResponse, { readonly code: status; readonly details: string }>> {
  const { clusterId, token, certificateRequest } = call.request;
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
    audit.record({ kind: "refused", call: "join", from: call.getPeer(), reason: text });
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
