import type { ChildProcess } from "node:child_process";
import type { MemberIdentity } from "../../broker/identity/member/member-identity.ts";

// What the processes of one measurement tell each other.

/** Monotonic, in milliseconds, the same in all processes of one machine. */
export function machineMs(): number {
  return Number(process.hrtime.bigint()) / 1e6;
}

/** One request that the API server has answered. */
export interface Answered {
  /** As in RBAC: create, update, patch, delete, get, list, watch. */
  readonly verb: string;
  /** Plural, with the subresource: `serviceimports/status`. */
  readonly resource: string;
  /** `namespace/name`, empty for a collection. */
  readonly object: string;
  readonly status: number;
  /** Of the request's body. */
  readonly bytes: number;
  readonly atMs: number;
}

/** Requests by `verb resource status` since the server's start. */
export type RequestCounts = Readonly<Record<string, number>>;

export interface ServerState {
  readonly counts: RequestCounts;
  readonly lastWriteMs: number;
  readonly cpuSeconds: number;
}

/** What is there, and right. */
export interface Census {
  /** Imports whose name resolves: they have an address, exporters and Ready=True. */
  readonly readyImports: number;
  /** Name of one of them. */
  readonly readyImport: string | undefined;
  readonly readyExports: number;
  readonly slices: number;
}

export interface MemberStart {
  readonly identity: MemberIdentity;
  readonly kubeconfig: string;
  /** Pod networks with which it takes part in connectivity, over the underlay. @default it does not */
  readonly podCidrs?: readonly string[];
}

export interface MemberState {
  /** After a full garbage collection. */
  readonly heapMiB: number;
  readonly residentMiB: number;
  /** Highest resident size so far. */
  readonly peakMiB: number;
  readonly cpuSeconds: number;
  /** Received from the broker, TLS included. */
  readonly linkBytes: number;
}

/** Sends a question and waits for the answer: one at a time for each process. Traced writes may come in between. */
export async function ask<T>(child: ChildProcess, question: string): Promise<T> {
  const answered = new Promise<T>((resolve) => {
    const onMessage = (message: T | Answered): void => {
      if (typeof message === "object" && message !== null && "verb" in message) return;
      child.off("message", onMessage);
      resolve(message);
    };
    child.on("message", onMessage);
  });
  child.send(question);
  return answered;
}

export function isWrite(verb: string): boolean {
  return verb === "create" || verb === "update" || verb === "patch" || verb === "delete";
}

/** Writes of all kinds among the counts. */
export function writesIn(counts: RequestCounts): number {
  return Object.entries(counts)
    .filter(([key]) => isWrite(key.split(" ")[0] ?? ""))
    .reduce((sum, [, count]) => sum + count, 0);
}

/** What was counted between two moments. */
export function countedBetween(before: RequestCounts, after: RequestCounts): RequestCounts {
  return Object.fromEntries(
    Object.entries(after)
      .map(([key, count]): [string, number] => [key, count - (before[key] ?? 0)])
      .filter(([, count]) => count > 0),
  );
}
