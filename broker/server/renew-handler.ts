import { type handleUnaryCall, status } from "@grpc/grpc-js";
import type { RenewRequest, RenewResponse } from "../../api/broker/broker.gen.ts";
import { err, ok, type Result } from "../../api/result.ts";
import type { Clock } from "../../runtime/clock/clock.ts";
import type { Logger } from "../../runtime/log/log.ts";
import type { AuditLog } from "../audit/audit-log.ts";
import type { SessionPeer } from "../core/session-io.ts";
import type { ConnectionGate } from "./gate/connection-gate.ts";
import { peerOfCall } from "./peer-of-call.ts";

/** Gives members that hold a certificate a newer one. Implemented by broker/identity. */
export interface RenewalAuthority {
  renew(request: RenewIdentityRequest): Promise<Result<RenewOutcome, RenewError>>;
}

export interface RenewIdentityRequest {
  /** As the present certificate says: it has been checked. */
  readonly peer: SessionPeer;
  /** SHA-256 of the present certificate's public key, base64url. */
  readonly keyFingerprint: string;
  /** DER, PKCS #10. Nothing in it has been checked. */
  readonly csrDer: Uint8Array;
}

export interface RenewOutcome {
  /** PEM, leaf first. */
  readonly certificateChainPem: string;
  /** Every authority in force. */
  readonly caPem: string;
}

export interface RenewError {
  /** denied: this life is over or revoked; too-soon, unavailable: try again later. */
  readonly kind: "invalid" | "denied" | "too-soon" | "unavailable";
  /** Safe to show to the caller: the rule and the value seen. */
  readonly text: string;
}

type RenewCall = Parameters<handleUnaryCall<RenewRequest, RenewResponse>>[0];
type RenewCallback = Parameters<handleUnaryCall<RenewRequest, RenewResponse>>[1];

const STATUS: Readonly<Record<RenewError["kind"], status>> = {
  invalid: status.INVALID_ARGUMENT,
  denied: status.PERMISSION_DENIED,
  "too-soon": status.RESOURCE_EXHAUSTED,
  unavailable: status.UNAVAILABLE,
};

interface Deps {
  readonly renewals: RenewalAuthority;
  readonly gate: Pick<ConnectionGate, "vouch">;
  readonly clock: Clock;
  readonly log: Logger;
  readonly audit: AuditLog;
}

/** Answers Renew calls. */
export function createRenewHandler(
  options: { readonly clusterset: string },
  deps: Deps,
): (call: RenewCall, callback: RenewCallback) => void {
  return (call, callback) => {
    // Never rejects: every failure is an answer.
    void respond(callback, answerRenew(call, options, deps));
  };
}

async function respond(
  callback: RenewCallback,
  answering: ReturnType<typeof answerRenew>,
): Promise<void> {
  const answer = await answering;
  if (answer.ok) callback(null, answer.value);
  else callback(answer.error);
}

async function answerRenew(
  call: RenewCall,
  { clusterset }: { readonly clusterset: string },
  { renewals, gate, clock, log, audit }: Deps,
): Promise<Result<RenewResponse, { readonly code: status; readonly details: string }>> {
  const from = call.getPeer();
  const certified = peerOfCall(call, { clusterset, nowMs: clock.nowMs() });
  if (!certified.ok) {
    audit.record({ kind: "refused", call: "renew", from, reason: certified.error });
    return err({ code: status.UNAUTHENTICATED, details: certified.error });
  }
  const { peer, keyFingerprint } = certified.value;
  const { cluster } = peer;
  gate.vouch(from, cluster);
  let renewed: Result<RenewOutcome, RenewError>;
  try {
    const csrDer = call.request.certificateRequest;
    renewed = await renewals.renew({ peer, keyFingerprint, csrDer });
  } catch (error) {
    log.error("renewal failed", { err: error });
    return err({ code: status.INTERNAL, details: "cannot renew: the broker failed: see its log" });
  }
  if (renewed.ok) {
    const { certificateChainPem, caPem } = renewed.value;
    return ok({ certificateChain: certificateChainPem, caCertificate: caPem });
  }
  const { kind, text } = renewed.error;
  audit.record({ kind: "refused", call: "renew", cluster, from, reason: text });
  return err({ code: STATUS[kind], details: text });
}
