import { createSocket, type Socket } from "node:dgram";
import { isIPv6 } from "node:net";
import type { Logger } from "../../runtime/log/log.ts";
import type { ProbeDestination, ProbeSocket, SendFailure } from "./probe-socket.ts";

type Family = "udp4" | "udp6";

/** One UDP socket per family, opened when first needed and again after a failure. */
export class UdpProbeSocket implements ProbeSocket {
  readonly isWhole = false;
  readonly #log: Logger;
  readonly #onPacket: (packet: Uint8Array) => void;
  /** BOUNDED: by the two families. */
  readonly #sockets = new Map<Family, Socket>();
  #isClosed = false;

  constructor(onPacket: (packet: Uint8Array) => void, deps: { readonly log: Logger }) {
    this.#onPacket = onPacket;
    this.#log = deps.log;
  }

  send(packet: Uint8Array, to: ProbeDestination, onFailed: (failure: SendFailure) => void): void {
    if (this.#isClosed) return;
    const socket = this.#open(isIPv6(to.address) ? "udp6" : "udp4");
    socket.send(packet, to.port, to.address, (cause) => {
      if (cause !== null) onFailed(failureOf(cause));
    });
  }

  close(): void {
    this.#isClosed = true;
    for (const socket of this.#sockets.values()) socket.close();
    this.#sockets.clear();
  }

  #open(family: Family): Socket {
    const standing = this.#sockets.get(family);
    if (standing !== undefined) return standing;
    const socket = createSocket({
      type: family,
      // Targets are addresses: a resolver has nothing to say.
      lookup: (address, _options, callback) => callback(null, address, isIPv6(address) ? 6 : 4),
    });
    socket.on("message", (packet) => this.#onPacket(packet));
    socket.on("error", (cause) => {
      this.#log.warn("probe socket failed, another one is opened", { family, err: cause });
      if (this.#sockets.get(family) === socket) this.#sockets.delete(family);
      socket.close();
    });
    this.#sockets.set(family, socket);
    return socket;
  }
}

function failureOf(cause: Error & { readonly code?: string }): SendFailure {
  return { isTooLarge: cause.code === "EMSGSIZE", reason: cause.code ?? cause.message };
}
