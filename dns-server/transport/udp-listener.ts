import { createSocket, type RemoteInfo, type Socket } from "node:dgram";
import { once } from "node:events";
import { isIPv6 } from "node:net";
import { err, ok, type Result } from "../../api/result.ts";
import type { Clock } from "../../runtime/clock/clock.ts";
import type { Logger } from "../../runtime/log/log.ts";
import type { ListenAddress } from "../../runtime/net/listen-address.ts";
import type { Client } from "../answer/client.ts";
import { SLOT_BYTES } from "../native/load-udp-batch.ts";
import { MESSAGE_BYTES_MAX } from "../wire/dns-numbers.ts";
import type { AnswerPacket, DropObserver } from "./answer-packet.ts";
import { fromListenError, type ListenError } from "./listen-error.ts";

export interface UdpListenerOptions extends ListenAddress {
  readonly reusePort: boolean;
  /** Sizes of the kernel's queues; the kernel may grant less. */
  readonly queueBytes: number;
}

export interface UdpListenerDeps {
  readonly answer: AnswerPacket;
  readonly dropped: DropObserver;
  /** See `OverloadGuardDeps.admitted`; never called where datagrams come by `node:dgram`, which offers no filters. */
  readonly admitted: (part: number) => void;
  readonly clock: Clock;
  readonly log: Logger;
}

/** What is read of a datagram: queries are far shorter, and both engines must see the same. */
const REQUEST_BYTES_MAX = SLOT_BYTES;

/** Answers datagrams; nothing that arrives can stop it. */
export class UdpListener {
  readonly #options: UdpListenerOptions;
  readonly #deps: UdpListenerDeps;
  readonly #response = Buffer.allocUnsafeSlow(MESSAGE_BYTES_MAX);
  /** One object for every datagram: nearly none is answered later. */
  readonly #client = new PeerClient((response, peer) => this.#send(response, peer));
  #socket: Socket | undefined;

  constructor(options: UdpListenerOptions, deps: UdpListenerDeps) {
    this.#options = options;
    this.#deps = deps;
  }

  /** The port taken. A host must be an address, not a name. */
  async start(): Promise<Result<number, ListenError>> {
    const { host = "::", port, reusePort } = this.#options;
    const socket = createSocket({
      type: isIPv6(host) ? "udp6" : "udp4",
      reusePort,
      // Peers come as addresses: answering them needs no resolver and no detour through it.
      lookup: (address, _options, callback) => callback(null, address, isIPv6(address) ? 6 : 4),
    });
    try {
      // With a lookup that answers at once, the socket may listen before bind returns.
      const listening = once(socket, "listening");
      socket.bind({ address: host, port, exclusive: !reusePort });
      await listening;
    } catch (cause) {
      socket.close();
      return err(fromListenError("udp", this.#options, cause));
    }
    this.#socket = socket;
    socket.on("error", (cause) => this.#deps.log.error("udp socket failed", { err: cause }));
    socket.on("message", (packet, peer) => this.#receive(packet, peer));
    this.#growQueues(socket);
    return ok(socket.address().port);
  }

  stop(): void {
    this.#socket?.close();
    this.#socket = undefined;
  }

  #receive(packet: Buffer, peer: RemoteInfo): void {
    // A forged datagram may come from port 0, which nothing can be sent to.
    if (peer.port === 0) {
      this.#deps.dropped("no-source-port");
      return;
    }
    this.#client.peer = peer;
    const length = Math.min(packet.length, REQUEST_BYTES_MAX);
    const bytes = this.#deps.answer(packet, length, "udp", this.#response, this.#client);
    if (bytes < 0) return;
    if (bytes === 0) {
      this.#deps.dropped("unanswerable");
      return;
    }
    // A copy: what the kernel does not take at once waits in the process while other answers are written.
    this.#send(Buffer.from(this.#response.subarray(0, bytes)), peer);
  }

  #send(response: Buffer, peer: RemoteInfo): void {
    this.#socket?.send(response, 0, response.length, peer.port, peer.address, this.#sent);
  }

  readonly #sent = (cause: Error | null): void => {
    if (cause !== null) this.#deps.dropped("send-failed");
  };

  #growQueues(socket: Socket): void {
    try {
      socket.setRecvBufferSize(this.#options.queueBytes);
      socket.setSendBufferSize(this.#options.queueBytes);
    } catch (cause) {
      this.#deps.log.debug("udp queues keep their size", { err: cause });
    }
  }
}

/** The sender of the datagram at hand. */
class PeerClient implements Client {
  peer: RemoteInfo | undefined;
  readonly #send: (response: Buffer, peer: RemoteInfo) => void;

  constructor(send: (response: Buffer, peer: RemoteInfo) => void) {
    this.#send = send;
  }

  get address(): string {
    return this.peer?.address ?? "";
  }

  later(): (response: Buffer) => void {
    const { peer } = this;
    return (response) => {
      if (peer !== undefined) this.#send(response, peer);
    };
  }
}
