import { Socket } from "node:net";
import type { Duplex } from "node:stream";
import { createServer, type Server, type TLSSocket } from "node:tls";
import type { ClusterId } from "../../../api/cluster-id.ts";
import { err, ok, type Result } from "../../../api/result.ts";
import type { Clock } from "../../../runtime/clock/clock.ts";
import type { Logger } from "../../../runtime/log/log.ts";
import type { Counter } from "../../../runtime/metrics/meter.ts";
import type { ListenAddress } from "../../../runtime/net/listen-address.ts";
import { listenErrorText } from "../../../runtime/net/listen-error.ts";
import { Places } from "../places.ts";
import { FairShare } from "../stream/fair-share.ts";
import type { Secured } from "./dial-tunnel.ts";
import { peerCertificate, serverOptions } from "./secure.ts";
import { checkPeerCertificate, type ReadCluster, type TunnelIdentity } from "./tunnel-identity.ts";

/** How many connections of peers there may be at once. */
export interface AcceptorLimits {
  /** Whose handshake is not done. The oldest makes room: who says nothing keeps nobody out. */
  readonly handshakesMax: number;
  /** Whose handshake is done; more are refused. */
  readonly tunnelsMax: number;
  /** That came inside other tunnels; those that carried them share this. */
  readonly relayedMax: number;
}

const DEFAULT_LIMITS: AcceptorLimits = { handshakesMax: 512, tunnelsMax: 2_048, relayedMax: 2_048 };

interface Deps {
  readonly onSecured: (secured: Secured) => void;
  readonly clock: Clock;
  readonly readCluster: ReadCluster;
  readonly log: Logger;
  /** Counts who was refused, by reason. */
  readonly refused: Counter;
}

/** Takes connections of other members' proxies: TLS, certificate, cluster id. */
export class TunnelAcceptor {
  readonly #server: Server;
  readonly #deps: Deps;
  readonly #handshakesMax: number;
  /** Connections whose handshake is not done, the oldest first, by remote address and port. BOUNDED: by handshakesMax. */
  readonly #handshakes = new Map<string, Socket>();
  readonly #tunnels: Places;
  readonly #relayed: FairShare;
  #identity: TunnelIdentity;

  constructor(identity: TunnelIdentity, given: Partial<AcceptorLimits> | undefined, deps: Deps) {
    const limits = { ...DEFAULT_LIMITS, ...given };
    const { clock, log } = deps;
    this.#identity = identity;
    this.#deps = deps;
    this.#handshakesMax = limits.handshakesMax;
    this.#relayed = new FairShare(limits.relayedMax);
    this.#tunnels = new Places(limits.tunnelsMax, {
      clock,
      onFull: () => log.warn("too many tunnels", { max: limits.tunnelsMax }),
    });
    this.#server = createServer({ ...serverOptions(identity), noDelay: true });
    this.#server.on("connection", (raw: Duplex) => {
      // Before the handshake is done, and when it fails, whoever hangs up is no error of ours.
      raw.on("error", () => undefined);
      if (raw instanceof Socket) this.#onHandshake(raw);
    });
    this.#server.on("secureConnection", (socket: TLSSocket) => this.#onSecured(socket));
    this.#server.on("tlsClientError", (error, socket) => {
      log.debug("tunnel handshake failed", { remote: socket.remoteAddress, err: error.message });
    });
  }

  listen(address: ListenAddress): Promise<Result<ListenAddress, string>> {
    return new Promise((resolve) => {
      // Later ones too, such as of a process that has no descriptors left: who dials then is not taken.
      this.#server.on("error", (error) => resolve(err(listenErrorText(address, error))));
      this.#server.listen({ ...address }, () => {
        const bound = this.#server.address();
        const port = typeof bound === "object" && bound !== null ? bound.port : address.port;
        resolve(ok({ ...address, port }));
      });
    });
  }

  /** A connection that came inside a tunnel of `neighbour`. */
  take(connection: Duplex, neighbour: ClusterId): void {
    const share = this.#relayed.holder(neighbour);
    if (!share.tryTake(1)) {
      this.#deps.refused.add(1, { reason: "relayed" });
      connection.destroy();
      return;
    }
    connection.once("close", () => share.giveBack(1));
    this.#server.emit("connection", connection);
  }

  /** From now on this is shown to who dials; connections that are there are not touched. */
  setIdentity(identity: TunnelIdentity): void {
    this.#identity = identity;
    this.#server.setSecureContext(serverOptions(identity));
  }

  /** Takes nobody any more. */
  close(): void {
    if (this.#server.listening) this.#server.close();
  }

  #onHandshake(raw: Socket): void {
    const key = placeOf(raw);
    this.#handshakes.set(key, raw);
    raw.once("close", () => {
      if (this.#handshakes.get(key) === raw) this.#handshakes.delete(key);
    });
    if (this.#handshakes.size <= this.#handshakesMax) return;
    const [oldest] = this.#handshakes;
    if (oldest === undefined) return;
    this.#handshakes.delete(oldest[0]);
    oldest[1].destroy();
    this.#deps.refused.add(1, { reason: "handshake" });
  }

  #onSecured(socket: TLSSocket): void {
    const { clock, readCluster, log, refused, onSecured } = this.#deps;
    socket.on("error", () => undefined);
    this.#handshakes.delete(placeOf(socket));
    const nowMs = clock.nowMs();
    const checked = checkPeerCertificate(peerCertificate(socket), this.#identity, {
      readCluster,
      nowMs,
    });
    if (!checked.ok) {
      log.warn("tunnel refused", { remote: socket.remoteAddress, err: checked.error });
      refused.add(1, { reason: "certificate" });
    } else if (this.#tunnels.tryTake()) {
      socket.once("close", () => this.#tunnels.giveBack());
      return onSecured({ socket, ...checked.value });
    } else {
      refused.add(1, { reason: "tunnels" });
    }
    socket.destroy();
  }
}

/** Of a connection that has no address, since it came inside a tunnel, nothing is known here. */
function placeOf({ remoteAddress, remotePort }: Socket): string {
  return `${remoteAddress} ${remotePort}`;
}
