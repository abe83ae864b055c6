import { type ServerDuplexStream, status } from "@grpc/grpc-js";
import type { MemberMessage } from "../../api/broker/broker.gen.ts";
import { assertNever } from "../../api/invariant.ts";
import type { Clock, Timer } from "../../runtime/clock/clock.ts";
import type { AuditLog } from "../audit/audit-log.ts";
import { encodeOutgoing } from "../core/outgoing.ts";
import type { CloseReason } from "../core/session-io.ts";
import type { ConnectionGate } from "./gate/connection-gate.ts";
import type { Hub } from "./hub.ts";
import { peerOfCall } from "./peer-of-call.ts";
import { StreamOutput } from "./stream-output.ts";

export type SyncCall = ServerDuplexStream<MemberMessage, EncodedMessage>;

/** A BrokerMessage as bytes: encoded where its size is counted. */
export type EncodedMessage = Uint8Array;

interface Deps {
  readonly hub: Hub;
  readonly gate: Pick<ConnectionGate, "vouch" | "cut">;
  readonly clock: Clock;
  readonly audit: AuditLog;
}

/** Heartbeat intervals in which a member must take the end of its stream; then its connection is cut. */
const LINGER_INTERVALS = 2;

/** Ties one gRPC Sync stream to the hub. The certificate alone says who it is (I3, SEC-05). */
export function createSyncHandler(
  { clusterset }: { readonly clusterset: string },
  { hub, gate, clock, audit }: Deps,
): (call: SyncCall) => void {
  const lingerMs = LINGER_INTERVALS * hub.heartbeatIntervalMs;
  return (call) => {
    const address = call.getPeer();
    const certified = peerOfCall(call, { clusterset, nowMs: clock.nowMs() });
    if (!certified.ok) {
      const { error: reason } = certified;
      audit.record({ kind: "refused", call: "sync", from: address, reason });
      call.emit("error", { code: status.UNAUTHENTICATED, details: reason });
      return;
    }
    const { peer } = certified.value;
    const { cluster } = peer;
    gate.vouch(address, cluster);
    call.pause();
    let linger: Timer | undefined;
    const output = new StreamOutput(call, () => connection.writable());
    const connection = hub.connect(peer, {
      write: (outgoing) => output.write(encodeOutgoing(outgoing)),
      pauseInput: () => call.pause(),
      resumeInput: () => call.resume(),
      close: (reason) => {
        if (reason.kind === "over" || reason.kind === "expired") {
          audit.record({
            kind: "refused",
            call: "sync",
            cluster,
            from: address,
            reason: reason.text,
          });
        }
        linger = clock.setTimer(lingerMs, () => gate.cut(address, "unread"));
        call.emit("error", { code: statusOf(reason), details: reason.text });
      },
    });
    call.on("data", (message: MemberMessage) => connection.receive(message));
    // Raised whenever the HTTP/2 stream has closed, however it ended.
    call.on("cancelled", () => {
      linger?.cancel();
      connection.ended();
    });
    call.on("end", () => {
      connection.ended();
      call.end();
    });
    // Raised by gRPC when a message cannot be decoded or is too large: the stream has its status already.
    call.on("error", () => connection.ended());
    // A listener for "data" makes a stream flow: it waits until the hub lets the member in.
    call.pause();
  };
}

/** Which statuses a member may retry is said at the Sync call in broker.proto. */
function statusOf({ kind }: CloseReason): status {
  switch (kind) {
    case "protocol":
      return status.INVALID_ARGUMENT;
    case "over":
      return status.PERMISSION_DENIED;
    case "expired":
      return status.UNAUTHENTICATED;
    case "replaced":
      return status.ABORTED;
    case "silent":
    case "unread":
      return status.DEADLINE_EXCEEDED;
    case "store-failed":
    case "policy":
    case "stopping":
      return status.UNAVAILABLE;
    default:
      return assertNever(kind);
  }
}
