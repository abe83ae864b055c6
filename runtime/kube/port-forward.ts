import type { Duplex } from "node:stream";
import type { Result } from "../../api/result.ts";

export interface PodPort {
  readonly namespace: string;
  readonly pod: string;
  readonly port: number;
}

/**
 * A TCP connection to a port of a pod by way of the API server and the pod's node, so that addresses of the cluster need not be
 * reached from here. It arrives at the pod's loopback address. An error says why there is none; what goes wrong behind the API
 * server, such as a port that nobody listens on, destroys the stream with words on it. Who gets a stream destroys it.
 */
export type PortForward = (
  to: PodPort,
  limits: { readonly timeoutMs: number; readonly signal: AbortSignal },
) => Promise<Result<Duplex, string>>;
