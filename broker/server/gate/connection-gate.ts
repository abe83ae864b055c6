import { createServer, type Server, type Socket } from "node:net";
import type { ClusterId } from "../../../api/cluster-id.ts";
import { err, ok, type Result } from "../../../api/result.ts";
import type { Clock, Timer } from "../../../runtime/clock/clock.ts";
import type { Logger } from "../../../runtime/log/log.ts";
import type { Counter, Gauge, Meter } from "../../../runtime/metrics/meter.ts";
import type { ListenAddress } from "../../../runtime/net/listen-address.ts";
import { listenErrorText } from "../../../runtime/net/listen-error.ts";
import { LIMITS } from "../../wire/limits.ts";

export interface GateOptions {
  readonly listen: ListenAddress;
  /** @default LIMITS.connections */
  readonly connectionsMax?: number;
  /** @default LIMITS.unprovenConnections */
  readonly unprovenMax?: number;
  /** @default LIMITS.connectionsPerMember */
  readonly perMemberMax?: number;
  /** A connection that shows no member's certificate is cut after this. @default 30_000 */
  readonly unprovenMs?: number;
}

interface Deps {
  readonly clock: Clock;
  readonly log: Logger;
  readonly meter: Meter;
  /** Takes a connection that was let in: TLS begins here. */
  readonly accept: (socket: Socket) => void;
}

interface Visitor {
  readonly socket: Socket;
  /** Set until somebody vouches for it. */
  readonly timer: Timer;
  member: ClusterId | undefined;
}

/**
 * Why a connection is cut. full: all places are taken; unproven: it did not become a member's in time, or a newer one
 * needed the place; crowded: its member has newer ones; unread: it does not take what it was sent.
 */
export type CutReason = "full" | "unproven" | "crowded" | "unread";

const DEFAULT_UNPROVEN_MS = 30_000;

/**
 * The broker's port: accepts connections, and bounds how many there are, of strangers and of each member,
 * before TLS or HTTP/2 spend anything on them. Connections are named as gRPC names their peer: address:port.
 */
export class ConnectionGate {
  readonly #options: Required<GateOptions>;
  readonly #deps: Deps;
  readonly #server: Server;
  readonly #open: Gauge;
  readonly #cut: Counter;
  /** In the order of their coming. BOUNDED: by connectionsMax. */
  readonly #visitors = new Map<string, Visitor>();
  /** In the order of their coming. BOUNDED: by unprovenMax. */
  readonly #unproven = new Set<string>();
  /** In the order of being vouched for. BOUNDED: by perMemberMax for each member that is connected. */
  readonly #ofMember = new Map<ClusterId, Set<string>>();

  constructor(options: GateOptions, deps: Deps) {
    this.#options = {
      connectionsMax: LIMITS.connections,
      unprovenMax: LIMITS.unprovenConnections,
      perMemberMax: LIMITS.connectionsPerMember,
      unprovenMs: DEFAULT_UNPROVEN_MS,
      ...options,
    };
    this.#deps = deps;
    this.#server = createServer({ noDelay: true }, (socket) => this.#enter(socket));
    this.#open = deps.meter.gauge({
      name: "isthmus_broker_open_connections",
      help: "Connections to the members' port, of strangers too.",
    });
    this.#cut = deps.meter.counter({
      name: "isthmus_broker_cut_connections_total",
      help: "Connections the broker cut, by reason: full, unproven, crowded or unread.",
      labels: ["reason"],
    });
  }

  /** Accepts from now on; the port, which is a real one when 0 was asked for. Errors name the address and say why. */
  listen(): Promise<Result<number, string>> {
    const { listen } = this.#options;
    this.#open.set(0);
    return new Promise((resolve) => {
      this.#server.once("error", (error) => resolve(err(listenErrorText(listen, error))));
      this.#server.listen({ host: listen.host ?? "::", port: listen.port }, () => {
        this.#server.removeAllListeners("error");
        this.#server.on("error", (error) =>
          this.#deps.log.error("broker port failed", { err: error }),
        );
        const bound = this.#server.address();
        resolve(ok(typeof bound === "object" && bound !== null ? bound.port : listen.port));
      });
    });
  }

  /** The connection has shown this member's certificate: it may stay, and older ones of that member give way. */
  vouch(peer: string, member: ClusterId): void {
    const visitor = this.#visitors.get(peer);
    if (visitor === undefined || visitor.member !== undefined) return;
    visitor.timer.cancel();
    visitor.member = member;
    this.#unproven.delete(peer);
    const peers = this.#ofMember.get(member) ?? new Set();
    this.#ofMember.set(member, peers.add(peer));
    const [oldest] = peers;
    if (peers.size > this.#options.perMemberMax && oldest !== undefined) {
      this.cut(oldest, "crowded");
    }
  }

  /** Ends a connection at once, whatever is under way in it. Harmless when it has ended. */
  cut(peer: string, reason: CutReason): void {
    const visitor = this.#visitors.get(peer);
    if (visitor === undefined) return;
    this.#cut.add(1, { reason });
    this.#deps.log.debug("connection cut", { peer, reason });
    this.#forget(peer, visitor);
    visitor.socket.destroy();
  }

  /** Accepts nobody any more; those inside stay. Idempotent. */
  shut(): void {
    this.#server.close();
  }

  /** Ends every connection that is left. */
  clear(): void {
    for (const [peer, visitor] of this.#visitors) {
      this.#forget(peer, visitor);
      visitor.socket.destroy();
    }
  }

  #enter(socket: Socket): void {
    // What became of a connection is told by its close; without a listener an error would end the process.
    socket.on("error", () => undefined);
    const { remoteAddress, remotePort } = socket;
    if (this.#visitors.size >= this.#options.connectionsMax) {
      this.#cut.add(1, { reason: "full" });
      socket.destroy();
      return;
    }
    if (remoteAddress === undefined || remotePort === undefined) {
      // Gone already.
      socket.destroy();
      return;
    }
    const [oldest] = this.#unproven;
    if (this.#unproven.size >= this.#options.unprovenMax && oldest !== undefined) {
      this.cut(oldest, "unproven");
    }
    const peer = `${remoteAddress}:${remotePort}`;
    const { clock, accept } = this.#deps;
    const timer = clock.setTimer(this.#options.unprovenMs, () => this.cut(peer, "unproven"));
    const visitor: Visitor = { socket, timer, member: undefined };
    this.#visitors.set(peer, visitor);
    this.#unproven.add(peer);
    this.#open.set(this.#visitors.size);
    socket.once("close", () => this.#forget(peer, visitor));
    accept(socket);
  }

  #forget(peer: string, visitor: Visitor): void {
    // The same address and port may have come back as another connection.
    if (this.#visitors.get(peer) !== visitor) return;
    visitor.timer.cancel();
    this.#visitors.delete(peer);
    this.#unproven.delete(peer);
    const { member } = visitor;
    const peers = member === undefined ? undefined : this.#ofMember.get(member);
    peers?.delete(peer);
    if (member !== undefined && peers?.size === 0) this.#ofMember.delete(member);
    this.#open.set(this.#visitors.size);
  }
}
