import { Duplex } from "node:stream";
import type { KubeConfig } from "@kubernetes/client-node/dist/config.js";
import { err, ok, type Result } from "../../../api/result.ts";
import type { PodPort, PortForward } from "../port-forward.ts";
import type { ClusterAccess } from "./cluster-access.ts";

/** Of one port: what is sent and received, and what the node has to say. */
const DATA = 0;
const PROBLEM = 1;
/** Either channel begins with the port's number. */
const PORT_BYTES = 2;
const HELD_MAX = 4 * 1024 * 1024;

/** What of client-node's socket is used; its own types need a package that is not there. */
interface Socket {
  send(data: Buffer, done: (error?: Error) => void): void;
  close(): void;
  addEventListener(kind: "close", listener: () => void): void;
}

/** Port forwarding by WebSocket (`v4.channel.k8s.io`), which API servers pass on to the pod's node. */
export function webSocketPortForward(access: ClusterAccess): PortForward {
  return async (to, { timeoutMs, signal }) => {
    const connection = await access.connection(signal);
    if (!connection.ok) return err(connection.error.message);
    const { headers, watchAgent: agent } = connection.value;
    const { WebSocketHandler } = await import("@kubernetes/client-node/dist/web-socket-handler.js");
    // All that it asks of a KubeConfig: who is asked, and as whom.
    const config = {
      getCurrentCluster: () => ({ server: access.server }),
      applyToHTTPSOptions: (options: object) => {
        Object.assign(options, { headers, agent, handshakeTimeout: timeoutMs });
        return Promise.resolve();
      },
    } as unknown as KubeConfig;
    const stream = new ForwardedStream();
    try {
      const handler = new WebSocketHandler(config);
      const socket: unknown = await handler.connect(pathOf(to), null, (channel, bytes) => {
        stream.receive(channel, bytes);
        return true;
      });
      stream.opened(socket as Socket);
    } catch (error) {
      stream.destroy();
      return refusal(error, to);
    }
    if (signal.aborted) stream.destroy();
    else signal.addEventListener("abort", () => stream.destroy(), { once: true });
    return ok(stream);
  };
}

function pathOf({ namespace, pod, port }: PodPort): string {
  return `/api/v1/namespaces/${encodeURIComponent(namespace)}/pods/${encodeURIComponent(pod)}/portforward?ports=${port}`;
}

/** Of the answer to a request that was not granted only the status is known. */
function refusal(error: unknown, { namespace, pod, port }: PodPort): Result<never, string> {
  const said = typeof error === "object" && error !== null ? Reflect.get(error, "message") : error;
  const text = String(said);
  const status = /Unexpected server response: (\d+)/.exec(text)?.[1];
  const why =
    status === "403"
      ? `this user may not: it takes the verbs get and create of pods/portforward in ${namespace}`
      : status === "404"
        ? "the API server knows no port forwarding to it"
        : text;
  return err(`cannot forward to port ${port} of pod ${namespace}/${pod}: ${why}`);
}

class ForwardedStream extends Duplex {
  #socket: Socket | undefined;
  /** Bytes of each channel's beginning that are still to come. */
  readonly #head = [PORT_BYTES, PORT_BYTES];

  opened(socket: Socket): void {
    this.#socket = socket;
    socket.addEventListener("close", () => this.push(null));
    if (this.destroyed) socket.close();
  }

  receive(channel: number, bytes: Buffer): void {
    const head = Math.min(this.#head[channel] ?? 0, bytes.length);
    this.#head[channel] = (this.#head[channel] ?? 0) - head;
    const rest = bytes.subarray(head);
    if (rest.length === 0 || this.destroyed) return;
    if (channel === PROBLEM) this.destroy(new Error(rest.toString("utf8").trim()));
    if (channel !== DATA) return;
    this.push(rest);
    // BOUNDED: the socket cannot be told to wait; who does not read loses it.
    if (this.readableLength > HELD_MAX) this.destroy(new Error("more than was read in time"));
  }

  override _read(): void {
    // It is pushed when it comes.
  }

  override _write(chunk: Buffer, _: BufferEncoding, done: (error?: Error | null) => void): void {
    if (this.#socket === undefined) done(new Error("not open"));
    else this.#socket.send(Buffer.concat([Buffer.of(DATA), chunk]), done);
  }

  override _final(done: () => void): void {
    // This protocol has no half-closed connections: the answer is still to come.
    done();
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    this.#socket?.close();
    done(error);
  }
}
