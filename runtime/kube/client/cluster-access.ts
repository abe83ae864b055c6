import type { Agent } from "node:http";
import type { Result } from "../../../api/result.ts";
import type { KubeError } from "../kube-error.ts";

/** How to reach one API server as somebody: a port, so that tests need no kubeconfig. */
export interface ClusterAccess {
  /** Base URL without a trailing slash. */
  readonly server: string;
  /** Fresh enough credentials; reads files and runs plugins as the kubeconfig says. */
  connection(signal: AbortSignal): Promise<Result<Connection, KubeError>>;
  /** After a 401: forget the credentials. False when they are new already, so that asking again is no use. */
  refresh(): boolean;
  /** Frees idle connections. */
  close(): void;
}

export interface Connection {
  /** Authorization and impersonation. */
  readonly headers: Readonly<Record<string, string>>;
  /** For short requests: bounded, keeps connections alive. */
  readonly requestAgent: Agent;
  /** For watches, each of which holds its connection: not bounded here but by the number of reflectors. */
  readonly watchAgent: Agent;
}
