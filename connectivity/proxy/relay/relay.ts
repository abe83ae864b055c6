import type { Duplex } from "node:stream";
import type { ClusterId } from "../../../api/cluster-id.ts";
import { parseClusterId } from "../../../api/cluster-id.ts";
import { err, ok, type Result } from "../../../api/result.ts";
import type { RelayOpen } from "../frame/open-header.ts";
import type { TunnelStream } from "../stream/tunnel-stream.ts";
import type { PeerTunnels } from "../tunnel/peer-tunnels.ts";
import { linkCost, MAX_RELAYS, RouteTable } from "./route-table.ts";
import { decodeRoutes, encodeRoutes } from "./routes-payload.ts";
import { StreamDuplex } from "./stream-duplex.ts";
import { joinStreams } from "./stream-joint.ts";

/** Round trips are noise for seconds on a busy machine. */
const MOVE_AFTER_LOOKS = 20;

interface Deps {
  /** Whether to carry tunnels of `from` on to `to`. */
  readonly mayRelay: (from: ClusterId, to: ClusterId) => boolean;
  readonly tunnelsOf: (peer: ClusterId) => PeerTunnels | undefined;
  /** Somebody's tunnel to us has come through a relay. */
  readonly onTunnelFor: (connection: Duplex) => void;
}

/** Tunnels through other members: knows the ways, asks for them, and is one for others where policy lets it. */
export class Relay {
  readonly #self: ClusterId;
  readonly #deps: Deps;
  readonly #table: RouteTable;
  /** What each peer was told last, so that it is told what changed and no more. BOUNDED: by the members. */
  readonly #told = new Map<ClusterId, string>();
  /** By which neighbour each peer was last reached, and how often in a row another was better. BOUNDED: by the members. */
  readonly #taken = new Map<ClusterId, { readonly via: ClusterId; betterLooks: number }>();

  constructor(self: ClusterId, deps: Deps) {
    this.#self = self;
    this.#deps = deps;
    this.#table = new RouteTable(self);
  }

  hasRoute(to: ClusterId): boolean {
    return this.#table.best(to) !== undefined;
  }

  /** Whether there has been a clearly cheaper way to the peer than the one that was taken, at this and all lately asked times. */
  isWorthMoving(to: ClusterId): boolean {
    const taken = this.#taken.get(to);
    if (taken === undefined) return false;
    taken.betterLooks = this.#table.isWorthLeaving(to, taken.via) ? taken.betterLooks + 1 : 0;
    if (taken.betterLooks < MOVE_AFTER_LOOKS) return false;
    taken.betterLooks = 0;
    return true;
  }

  /** The direct tunnels to a peer are as they are now. */
  refresh(tunnels: PeerTunnels): void {
    const { peer, hasDirect, rttMs } = tunnels;
    this.#table.setLink(peer, hasDirect ? linkCost(rttMs ?? 0) : undefined);
    if (!hasDirect) this.#told.delete(peer);
  }

  /** A neighbour says what it can reach. What cannot be read is passed over: it may be of a later version. */
  onRoutes(peer: ClusterId, payload: Uint8Array): void {
    const routes = decodeRoutes(payload);
    if (routes.ok) this.#table.setAnnounced(peer, routes.value);
  }

  /** Tells neighbours what may be reached through us, if that has changed. */
  announce(peers: readonly PeerTunnels[]): void {
    for (const { peer, usable } of peers) {
      const direct = usable.find(({ facts }) => facts.path === "direct");
      if (direct === undefined) continue;
      const routes = this.#table
        .announcementFor(peer)
        .filter(({ to }) => this.#deps.mayRelay(peer, to));
      const told = JSON.stringify(routes);
      if (this.#told.get(peer) === told) continue;
      this.#told.set(peer, told);
      direct.sendRoutes(encodeRoutes(routes));
    }
  }

  /** A connection to a peer through the cheapest relay, not yet secured. */
  connect(to: ClusterId, signal: AbortSignal): Promise<Result<Duplex, string>> {
    const via = this.#table.best(to)?.path[0];
    const header = { kind: "relay", to, from: this.#self, hopsLeft: MAX_RELAYS } as const;
    const stream = via === undefined ? undefined : this.#openDirect(via, header);
    if (stream === undefined || via === undefined) {
      return Promise.resolve(err(`no relay to ${to} is known`));
    }
    this.#taken.set(to, { via, betterLooks: 0 });
    return new Promise((resolve) => {
      const duplex = new StreamDuplex(stream, () => resolve(ok(duplex)));
      duplex.on("error", (error) => resolve(err(`relay ${via}: ${error.message}`)));
      signal.addEventListener("abort", () => {
        if (!stream.isAccepted) duplex.destroy(new Error("not connected in time"));
      });
    });
  }

  /** A peer asks for a way on, or its way ends here. */
  onStream(stream: TunnelStream, header: RelayOpen, peer: ClusterId): void {
    if (header.to === this.#self) {
      const duplex = new StreamDuplex(stream);
      duplex.on("error", () => undefined);
      stream.accept();
      this.#deps.onTunnelFor(duplex);
      return;
    }
    const to = parseClusterId(header.to);
    if (!to.ok || header.hopsLeft < 1) return stream.reset("no-route");
    // By who asks us, which is proved; who is behind it only says who it is.
    if (!this.#deps.mayRelay(peer, to.value)) return stream.reset("forbidden");
    const isNear = this.#deps.tunnelsOf(to.value)?.hasDirect === true;
    const next = isNear ? to.value : this.#table.best(to.value)?.path[0];
    const onward = { ...header, hopsLeft: header.hopsLeft - 1 };
    const other = next === undefined || next === peer ? undefined : this.#openDirect(next, onward);
    if (other === undefined) return stream.reset("no-route");
    joinStreams(stream, other);
  }

  #openDirect(peer: ClusterId, header: RelayOpen): TunnelStream | undefined {
    const usable = this.#deps.tunnelsOf(peer)?.usable ?? [];
    return usable.find(({ facts }) => facts.path === "direct")?.open(header);
  }
}
