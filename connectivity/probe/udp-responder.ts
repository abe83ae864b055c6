import { createSocket, type Socket } from "node:dgram";
import { once } from "node:events";
import { isIPv6 } from "node:net";
import type { ClusterId } from "../../api/cluster-id.ts";
import { err, ok, type Result } from "../../api/result.ts";
import type { Logger } from "../../runtime/log/log.ts";
import type { ListenAddress } from "../../runtime/net/listen-address.ts";
import { listenErrorText } from "../../runtime/net/listen-error.ts";
import { answerProbe } from "./probe-packet.ts";

export interface UdpResponderOptions {
  /** Who answers: probes for others are not for us. */
  readonly cluster: ClusterId;
  readonly listen: ListenAddress;
}

/** Answers probes; nothing that arrives can stop it, and nothing gets more bytes than it sent. */
export class UdpResponder {
  readonly #options: UdpResponderOptions;
  readonly #log: Logger;
  #socket: Socket | undefined;

  constructor(options: UdpResponderOptions, deps: { readonly log: Logger }) {
    this.#options = options;
    this.#log = deps.log;
  }

  /** The port taken. A host must be an address, not a name. */
  async start(): Promise<Result<number, string>> {
    const { host = "::", port } = this.#options.listen;
    const socket = createSocket({
      type: isIPv6(host) ? "udp6" : "udp4",
      lookup: (address, _options, callback) => callback(null, address, isIPv6(address) ? 6 : 4),
    });
    try {
      const listening = once(socket, "listening");
      socket.bind({ address: host, port, exclusive: true });
      await listening;
    } catch (cause) {
      socket.close();
      return err(listenErrorText(this.#options.listen, cause, "udp"));
    }
    this.#socket = socket;
    socket.on("error", (cause) => this.#log.error("probe responder failed", { err: cause }));
    socket.on("message", (packet, peer) => {
      // A forged datagram may come from port 0, which nothing can be sent to.
      if (peer.port === 0) return;
      const answer = answerProbe(this.#options.cluster, packet);
      // What the kernel does not take is a lost answer: the prober counts it.
      if (answer !== undefined) socket.send(answer, peer.port, peer.address, () => undefined);
    });
    return ok(socket.address().port);
  }

  /** Idempotent. */
  stop(): void {
    this.#socket?.close();
    this.#socket = undefined;
  }
}
