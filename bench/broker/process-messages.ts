import type { MemberIdentity } from "../../broker/identity/member/member-identity.ts";
import type { Workload } from "./workload.ts";

// What the processes of one measurement over gRPC tell each other.

/** Monotonic, in milliseconds, the same in all processes of one machine. */
export function machineMs(): number {
  return Number(process.hrtime.bigint()) / 1e6;
}

/** What the brokers keep rows in. */
export type BenchPlace =
  /** A log in the data directory, of one broker. */
  | { readonly kind: "file" }
  | { readonly kind: "etcd"; readonly endpoints: readonly string[] }
  /** The hub's API server. */
  | { readonly kind: "kubernetes"; readonly kubeconfig: string; readonly namespace: string };

export interface BrokerStart {
  readonly place: BenchPlace;
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

/** What the broker is asked. "fan-out": about the last change, once it has reached everybody. */
export type BrokerQuestion = "measure" | "fan-out";

/** One change at the broker, in machineMs. */
export interface BrokerFanOut {
  /** Its Put was read and decided upon. */
  readonly receivedMs: number;
  readonly durableMs: number;
  /** The last subscriber's stream had taken it, and the event loop had come round to the sockets. */
  readonly writtenMs: number;
  /** Pauses of its garbage collector since it was asked last. */
  readonly gcMs: number;
}

export interface MembersStart {
  readonly identities: readonly MemberIdentity[];
  /** Number of the first of them in the clusterset. */
  readonly first: number;
  readonly workload: Workload;
  readonly takesBatches: boolean;
  /** host:port of other replicas, tried after the identity's own. */
  readonly otherAddresses: readonly string[];
}

export type MembersCommand =
  | { readonly kind: "begin"; readonly start: MembersStart }
  /** All links anew, as if the processes had been restarted; done when all is stored and, if wanted, synced. */
  | { readonly kind: "restart"; readonly isWanting: boolean }
  /** Done when every member has a new stream since "watch", and is synced and complete. */
  | { readonly kind: "settle" }
  /** From here on every service that vanishes is counted, and who connects anew is seen. */
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
  /** Of "restart" and "settle": from its own start, per member. */
  readonly syncMs: readonly number[];
  /** Of "settle": services that vanished since "watch". */
  readonly vanished: number;
  /** Of "await": members that have it. */
  readonly members: number;
  /** Of "await": pauses of the garbage collector since the command came. */
  readonly gcMs: number;
  readonly residentMiB: number;
}
