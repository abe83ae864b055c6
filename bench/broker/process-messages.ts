import type { MemberIdentity } from "../../broker/identity/member/member-identity.ts";
import type { Workload } from "./workload.ts";

// What the processes of one measurement over gRPC tell each other.

/** Monotonic, in milliseconds, the same in all processes of one machine. */
export function machineMs(): number {
  return Number(process.hrtime.bigint()) / 1e6;
}

export interface BrokerStart {
  /** Certificates to make: 0 of a broker that is started again. */
  readonly members: number;
  readonly dataDir: string;
  /** 0: any. */
  readonly port: number;
}

export interface BrokerReady {
  readonly identities: readonly MemberIdentity[];
  readonly port: number;
}

export interface BrokerUsage {
  readonly residentMiB: number;
  readonly peakMiB: number;
  readonly cpuMs: number;
  /** On the sockets, TLS and all. */
  readonly sentBytes: number;
  readonly receivedBytes: number;
  readonly rows: number;
}

export interface MembersStart {
  readonly identities: readonly MemberIdentity[];
  /** Number of the first of them in the clusterset. */
  readonly first: number;
  readonly workload: Workload;
  readonly takesBatches: boolean;
}

export type MembersCommand =
  | { readonly kind: "begin"; readonly start: MembersStart }
  /** All links anew, as if the processes had been restarted; done when all is stored and, if wanted, synced. */
  | { readonly kind: "restart"; readonly isWanting: boolean }
  /** Done when every member is connected, synced and complete. */
  | { readonly kind: "settle" }
  /** From here on every service that vanishes is counted. */
  | { readonly kind: "watch" }
  /** The owner of export `at` changes one of its endpoints; no answer from processes that do not have it. */
  | { readonly kind: "change"; readonly at: number; readonly revision: number }
  /** Done when this revision of export `at` is at all members that want it. */
  | { readonly kind: "await"; readonly at: number; readonly revision: number }
  | { readonly kind: "cut"; readonly member: number }
  | { readonly kind: "heal"; readonly member: number };

export interface MembersAnswer {
  /** machineMs when it was done. */
  readonly doneMs: number;
  /** Of "restart": from its own start, per member. */
  readonly syncMs: readonly number[];
  /** Of "settle": services that vanished since "watch". */
  readonly vanished: number;
  /** Of "await": members that have it. */
  readonly members: number;
  readonly residentMiB: number;
}
