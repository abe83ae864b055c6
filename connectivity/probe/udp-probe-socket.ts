import { createSocket, type Socket } from "node:dgram";
import { isIPv6 } from "node:net";
import type { Clock } from "../../runtime/clock/clock.ts";
import type { Logger } from "../../runtime/log/log.ts";
import type { ProbeDestination, ProbeSocket, SendFailure } from "./probe-socket.ts";

type Family = "udp4" | "udp6";

/** Knocks under way: each has a socket of its own. */
const KNOCKS_MAX = 256;
/** A refusal that takes longer is one too late. */
const KNOCK_MS = 1_000;

export interface UdpProbeSocketDeps {
  readonly clock: Clock;
  readonly log: Logger;
}

/** One UDP socket per family, opened when first needed and again after a failure. */
export class UdpProbeSocket implements ProbeSocket {
  readonly isWhole = false;
  readonly #deps: UdpProbeSocketDeps;
  readonly #onPacket: (packet: Uint8Array) => void;
  /** BOUNDED: by the two families. */
  readonly #sockets = new Map<Family, Socket>();
  /** How to end each. BOUNDED: by KNOCKS_MAX. */
  readonly #knocks = new Set<() => void>();
  #isClosed = false;

  constructor(onPacket: (packet: Uint8Array) => void, deps: UdpProbeSocketDeps) {
    this.#onPacket = onPacket;
    this.#deps = deps;
  }

  send(packet: Uint8Array, to: ProbeDestination, onFailed: (failure: SendFailure) => void): void {
    if (this.#isClosed) return;
    const socket = this.#open(familyOf(to));
    socket.send(packet, to.port, to.address, (cause) => {
      if (cause !== null) onFailed(failureOf(cause));
    });
  }

  /** Only a socket that is connected is told of a refusal (udp(7)), and takes answers from one address alone: probes keep to others. */
  knock(packet: Uint8Array, to: ProbeDestination, onRefused: () => void): void {
    if (this.#isClosed || this.#knocks.size >= KNOCKS_MAX) return;
    const socket = createSocket({ type: familyOf(to), lookup: asAddress });
    const end = (): void => {
      if (!this.#knocks.delete(end)) return;
      timer.cancel();
      socket.close();
    };
    const timer = this.#deps.clock.setTimer(KNOCK_MS, end);
    this.#knocks.add(end);
    const onEnd = (cause: Error & { readonly code?: string }): void => {
      const isNews = this.#knocks.has(end);
      end();
      if (isNews && cause.code === "ECONNREFUSED") onRefused();
    };
    socket.on("error", onEnd);
    socket.connect(to.port, to.address, () => {
      if (!this.#knocks.has(end)) return;
      socket.send(packet, (cause) => {
        if (cause !== null) onEnd(cause);
      });
    });
  }

  close(): void {
    this.#isClosed = true;
    for (const socket of this.#sockets.values()) socket.close();
    this.#sockets.clear();
    for (const end of this.#knocks) end();
  }

  #open(family: Family): Socket {
    const standing = this.#sockets.get(family);
    if (standing !== undefined) return standing;
    const socket = createSocket({ type: family, lookup: asAddress });
    socket.on("message", (packet) => this.#onPacket(packet));
    socket.on("error", (cause) => {
      this.#deps.log.warn("probe socket failed, another one is opened", { family, err: cause });
      if (this.#sockets.get(family) === socket) this.#sockets.delete(family);
      socket.close();
    });
    this.#sockets.set(family, socket);
    return socket;
  }
}

function familyOf({ address }: ProbeDestination): Family {
  return isIPv6(address) ? "udp6" : "udp4";
}

/** Targets are addresses: a resolver has nothing to say. */
function asAddress(
  address: string,
  _options: unknown,
  callback: (error: null, address: string, family: number) => void,
): void {
  callback(null, address, isIPv6(address) ? 6 : 4);
}

function failureOf(cause: Error & { readonly code?: string }): SendFailure {
  return { isTooLarge: cause.code === "EMSGSIZE", reason: cause.code ?? cause.message };
}
