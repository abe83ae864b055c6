import type { Duplex } from "node:stream";
import type { ClusterId } from "../../../api/cluster-id.ts";
import { parseClusterId } from "../../../api/cluster-id.ts";
import { err, ok, type Result } from "../../../api/result.ts";
import type { RelayOpen } from "../frame/open-header.ts";
import type { TunnelStream } from "../stream/tunnel-stream.ts";
import type { PeerTunnels } from "../tunnel/peer-tunnels.ts";
import type { Tunnel } from "../tunnel/tunnel.ts";
import { RelayWays } from "./relay-ways.ts";
import { compareRoutes, linkCost, MAX_RELAYS, type Route, RouteTable } from "./route-table.ts";
import { decodeRoutes, encodeRoutes } from "./routes-payload.ts";
import { StreamDuplex } from "./stream-duplex.ts";
import { joinStreams } from "./stream-joint.ts";

interface Deps {
  /** Whether to carry tunnels of `from` on to `to`. */
  readonly mayRelay: (from: ClusterId, to: ClusterId) => boolean;
  readonly tunnelsOf: (peer: ClusterId) => PeerTunnels | undefined;
  /** Somebody's tunnel to us has come through a neighbour. */
  readonly onTunnelFor: (connection: Duplex, neighbour: ClusterId) => void;
}

/** Tunnels through other members: knows the ways, asks for them, and is one for others where policy lets it. */
export class Relay {
  readonly #self: ClusterId;
  readonly #deps: Deps;
  readonly #table: RouteTable;
  /** What each direct tunnel's peer was told last, so that it is told what changed and no more. */
  readonly #told = new WeakMap<Tunnel, string>();
  /** What came over each direct tunnel: a member's proxies need not all have the same links. */
  readonly #heard = new WeakMap<Tunnel, readonly Route[]>();
  /** BOUNDED: by the members. */
  readonly #ways = new Map<ClusterId, RelayWays>();

  constructor(self: ClusterId, deps: Deps) {
    this.#self = self;
    this.#deps = deps;
    this.#table = new RouteTable(self);
  }

  /** Through which neighbours tunnels to a peer should be kept now. To be asked again and again: see RelayWays. */
  waysTo(peer: ClusterId): readonly ClusterId[] {
    const ways = this.#ways.get(peer) ?? new RelayWays();
    this.#ways.set(peer, ways);
    return ways.look(this.#table.waysTo(peer));
  }

  /** No tunnels through others are needed to that peer. */
  forgetWays(peer: ClusterId): void {
    this.#ways.delete(peer);
  }

  /** The direct tunnels to a peer are as they are now, or cost something else. */
  refresh({ peer, hasDirect, rttFloorMs }: PeerTunnels): void {
    this.#table.setLink(peer, hasDirect ? linkCost(rttFloorMs ?? 0) : undefined);
  }

  /** A neighbour says what it can reach. What cannot be read is passed over: it may be of a later version. */
  onRoutes(tunnel: Tunnel, payload: Uint8Array): void {
    const routes = decodeRoutes(payload);
    if (!routes.ok) return;
    this.#heard.set(tunnel, routes.value);
    this.gather(tunnel.facts.peer);
  }

  /** What the tunnels that are there have told of ways through a neighbour; call it when one is gone. */
  gather(peer: ClusterId): void {
    const cheapest = new Map<ClusterId, Route>();
    for (const tunnel of this.#deps.tunnelsOf(peer)?.usable ?? []) {
      for (const route of this.#heard.get(tunnel) ?? []) {
        const known = cheapest.get(route.to);
        if (known === undefined || compareRoutes(route, known) < 0) cheapest.set(route.to, route);
      }
    }
    this.#table.setAnnounced(peer, [...cheapest.values()]);
  }

  /** Tells neighbours what may be reached through us, if that has changed. */
  announce(peers: readonly PeerTunnels[]): void {
    for (const { peer, usable } of peers) {
      const direct = usable.filter(({ facts }) => facts.path === "direct");
      if (direct.length === 0) continue;
      const routes = this.#table
        .announcementFor(peer)
        .filter(({ to }) => this.#deps.mayRelay(peer, to));
      const saying = JSON.stringify(routes);
      for (const tunnel of direct) {
        if (this.#told.get(tunnel) === saying) continue;
        this.#told.set(tunnel, saying);
        tunnel.sendRoutes(encodeRoutes(routes));
      }
    }
  }

  /** A connection to a peer through a neighbour, not yet secured. */
  connect(to: ClusterId, via: ClusterId, signal: AbortSignal): Promise<Result<Duplex, string>> {
    const header = { kind: "relay", to, from: this.#self, hopsLeft: MAX_RELAYS } as const;
    const stream = this.#openDirect(via, header);
    if (stream === undefined) {
      return Promise.resolve(err(`relay ${via}: there is no direct tunnel to it`));
    }
    return new Promise((resolve) => {
      const duplex = new StreamDuplex(stream, () => resolve(ok(duplex)));
      duplex.on("error", (error) => resolve(err(`relay ${via}: ${error.message}`)));
      signal.addEventListener("abort", () => {
        const { reason } = signal;
        const why = reason instanceof Error ? reason.message : "aborted";
        if (!stream.isAccepted) duplex.destroy(new Error(`no way on to ${to}: ${why}`));
      });
    });
  }

  /** A peer asks for a way on, or its way ends here. */
  onStream(stream: TunnelStream, header: RelayOpen, peer: ClusterId): void {
    if (header.to === this.#self) {
      const duplex = new StreamDuplex(stream);
      duplex.on("error", () => undefined);
      stream.accept();
      this.#deps.onTunnelFor(duplex, peer);
      return;
    }
    const to = parseClusterId(header.to);
    if (!to.ok || header.hopsLeft < 1) return stream.reset("no-route");
    // By who asks us, which is proved; who is behind it only says who it is.
    if (!this.#deps.mayRelay(peer, to.value)) return stream.reset("forbidden");
    const isNear = this.#deps.tunnelsOf(to.value)?.hasDirect === true;
    const next = isNear ? to.value : this.#nextTo(to.value, [peer, header.from]);
    const onward = { ...header, hopsLeft: header.hopsLeft - 1 };
    const other = next === undefined || next === peer ? undefined : this.#openDirect(next, onward);
    if (other === undefined) return stream.reset("no-route");
    joinStreams(stream, other);
  }

  /** The neighbour on the cheapest way that leads back to none of those. */
  #nextTo(to: ClusterId, without: readonly string[]): ClusterId | undefined {
    const leadsBack = ({ path }: Route): boolean => path.some((relay) => without.includes(relay));
    return this.#table.waysTo(to).find((route) => !leadsBack(route))?.path[0];
  }

  /** On a tunnel whose proxy knows the way, if there is one. */
  #openDirect(peer: ClusterId, header: RelayOpen): TunnelStream | undefined {
    const knowsWay = (tunnel: Tunnel): boolean =>
      this.#heard.get(tunnel)?.some(({ to }) => to === header.to) === true;
    return this.#deps.tunnelsOf(peer)?.openDirect(header, knowsWay);
  }
}
