import { type handleUnaryCall, status } from "@grpc/grpc-js";
import type { LeaveRequest, LeaveResponse } from "../../api/broker/broker.gen.ts";
import { err, ok, type Result } from "../../api/result.ts";
import type { Clock } from "../../runtime/clock/clock.ts";
import type { Logger } from "../../runtime/log/log.ts";
import type { AuditLog } from "../audit/audit-log.ts";
import type { ConnectionGate } from "./gate/connection-gate.ts";
import type { Hub } from "./hub.ts";
import { peerOfCall } from "./peer-of-call.ts";

type LeaveCall = Parameters<handleUnaryCall<LeaveRequest, LeaveResponse>>[0];
type LeaveCallback = Parameters<handleUnaryCall<LeaveRequest, LeaveResponse>>[1];
type Refusal = { readonly code: status; readonly details: string };

interface Deps {
  readonly hub: Pick<Hub, "leave">;
  readonly gate: Pick<ConnectionGate, "vouch">;
  readonly clock: Clock;
  readonly log: Logger;
  readonly audit: AuditLog;
}

/** Answers Leave calls: who calls leaves, nobody else (CLN-04). */
export function createLeaveHandler(
  options: { readonly clusterset: string },
  deps: Deps,
): (call: LeaveCall, callback: LeaveCallback) => void {
  // Never rejects: every failure is an answer.
  return (call, callback) => void respond(options, deps, { call, callback });
}

async function respond(
  options: { readonly clusterset: string },
  deps: Deps,
  { call, callback }: { readonly call: LeaveCall; readonly callback: LeaveCallback },
): Promise<void> {
  const answered = await answer(options, deps, call);
  if (answered.ok) callback(null, answered.value);
  else callback(answered.error);
}

async function answer(
  { clusterset }: { readonly clusterset: string },
  { hub, gate, clock, log, audit }: Deps,
  call: LeaveCall,
): Promise<Result<LeaveResponse, Refusal>> {
  const from = call.getPeer();
  const caller = peerOfCall(call, { clusterset, nowMs: clock.nowMs() });
  if (!caller.ok) {
    audit.record({ kind: "refused", call: "leave", from, reason: caller.error });
    return err({ code: status.UNAUTHENTICATED, details: caller.error });
  }
  const { peer } = caller.value;
  const { cluster, incarnation } = peer;
  gate.vouch(from, cluster);
  try {
    const left = await hub.leave(peer);
    if (left.ok) {
      audit.record({ kind: "left", cluster, incarnation });
      return ok({});
    }
    const { kind, text } = left.error;
    audit.record({ kind: "refused", call: "leave", cluster, from, reason: text });
    const code = kind === "over" ? status.PERMISSION_DENIED : status.UNAVAILABLE;
    return err({ code, details: text });
  } catch (error) {
    log.error("leave failed", { err: error });
    return err({ code: status.INTERNAL, details: "cannot leave: the broker failed: see its log" });
  }
}
