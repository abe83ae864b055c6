import type { KubeClient } from "../../../runtime/kube/kube-client.ts";

/** An API server that a hub's tests run against. */
export interface HubServer {
  readonly kubeconfig: string;
  /** Undefined: the kubeconfig's current one. */
  readonly context: string | undefined;
  /** Used by others too, and there after the tests. */
  readonly isShared: boolean;
  readonly isRestartable: boolean;
  /** Undefined: it is reached over sockets only. */
  readonly memoryClient: (() => KubeClient) | undefined;
  /** Ends every connection; what is stored stays. */
  stop(): Promise<void>;
  resume(): Promise<void>;
  close(): Promise<void>;
}
