import type { Duplex } from "node:stream";
import type { ClusterId } from "../../../api/cluster-id.ts";
import { err, ok, type Result } from "../../../api/result.ts";
import { deadline } from "../../../runtime/clock/deadline.ts";
import type { Logger } from "../../../runtime/log/log.ts";
import type { Counter, Meter } from "../../../runtime/metrics/meter.ts";
import type { ListenAddress } from "../../../runtime/net/listen-address.ts";
import type { Random } from "../../../runtime/random/random.ts";
import type { OpenHeader } from "../frame/open-header.ts";
import { Relay } from "../relay/relay.ts";
import type { TunnelStream } from "../stream/tunnel-stream.ts";
import { type DialledTunnel, DialSlot } from "./dial-slot.ts";
import { connectTo, type HttpProxy, type Secured, secureTo } from "./dial-tunnel.ts";
import { PeerFailures } from "./peer-failures.ts";
import { PeerTunnels } from "./peer-tunnels.ts";
import { type PeerEndpoints, PlaceSlots } from "./place-slots.ts";
import { refuseTunnel } from "./refuse-tunnel.ts";
import { RelayedSlots } from "./relayed-slots.ts";
import { HANDSHAKE_MS } from "./secure.ts";
import { Tunnel, type TunnelDeps, type TunnelFacts } from "./tunnel.ts";
import { type AcceptorLimits, TunnelAcceptor } from "./tunnel-acceptor.ts";
import type { ReadCluster, TunnelIdentity } from "./tunnel-identity.ts";

export interface TunnelHubOptions {
  /** Tunnels to each place where a peer listens: one may be slow, or end at another replica than the next. */
  readonly tunnelsPerEndpoint: number;
  readonly httpProxy?: HttpProxy;
  /** Whether to carry tunnels of `from` on to `to`. */
  readonly mayRelay: (from: ClusterId, to: ClusterId) => boolean;
  readonly acceptorLimits?: Partial<AcceptorLimits>;
  /** Tunnels of one peer. @default 64 */
  readonly tunnelsPerPeerMax?: number;
}

export interface TunnelHubDeps extends TunnelDeps {
  readonly identity: TunnelIdentity;
  readonly readCluster: ReadCluster;
  readonly random: Random;
  readonly log: Logger;
  readonly meter: Meter;
  /** A peer opened a connection to a service of ours: set the stream's handler, then accept or reset it. */
  readonly onServiceStream: (stream: TunnelStream, peer: ClusterId) => void;
  /** Tunnels to the peer have come or gone. */
  readonly onPeerChanged: (peer: ClusterId) => void;
}

const TEND_EVERY_MS = 500;

/** All tunnels of one process: dials, takes, relays, and finds the one for a new stream. Only who is in `setPeers` is dealt with. */
export class TunnelHub {
  readonly #options: TunnelHubOptions;
  readonly #deps: TunnelHubDeps;
  readonly #acceptor: TunnelAcceptor;
  readonly #refused: Counter;
  readonly #relay: Relay;
  /** BOUNDED: by the members. */
  readonly #peers = new Map<ClusterId, PeerTunnels>();
  readonly #dialled: PlaceSlots;
  /** Tunnels through others, by peer. BOUNDED: by the members. */
  readonly #relayed = new Map<ClusterId, RelayedSlots>();
  readonly #failures = new PeerFailures();
  #identity: TunnelIdentity;
  #tending: { cancel(): void } | undefined;
  #isDraining = false;

  constructor(options: TunnelHubOptions, deps: TunnelHubDeps) {
    this.#options = options;
    this.#deps = deps;
    this.#identity = deps.identity;
    this.#refused = deps.meter.counter({
      name: "isthmus_proxy_tunnels_refused_total",
      help: "Connections of peers that became no tunnel, by reason: certificate, or too many of one kind: handshake (under way), tunnels (in all), relayed (through one neighbour), peer (of one).",
      labels: ["reason"],
    });
    this.#acceptor = new TunnelAcceptor(deps.identity, options.acceptorLimits, {
      ...deps,
      refused: this.#refused,
      onSecured: (secured) => void this.#accept(secured),
    });
    this.#relay = new Relay(deps.identity.cluster, {
      mayRelay: options.mayRelay,
      tunnelsOf: (peer) => this.#peers.get(peer),
      onTunnelFor: (connection, neighbour) => this.#acceptor.take(connection, neighbour),
    });
    this.#dialled = new PlaceSlots(options.tunnelsPerEndpoint, {
      log: deps.log,
      make: (peer, place) => this.#slot(peer, (signal) => this.#dial(peer, place, signal)),
    });
    this.#tend();
  }

  listen(address: ListenAddress): Promise<Result<ListenAddress, string>> {
    return this.#acceptor.listen(address);
  }

  /** The members there are now. Who is none any more is cut off at once. */
  setPeers(peers: PeerEndpoints): void {
    for (const [peer, tunnels] of this.#peers) {
      if (peers.has(peer)) continue;
      this.#peers.delete(peer);
      this.#failures.forget(peer);
      this.#stopRelayed(peer);
      for (const tunnel of tunnels.all) tunnel.close("no member any more");
    }
    for (const peer of peers.keys()) {
      if (this.#peers.has(peer)) continue;
      this.#peers.set(peer, new PeerTunnels(peer, this.#options.tunnelsPerPeerMax));
    }
    if (!this.#isDraining) this.#dialled.set(peers);
  }

  peer(cluster: ClusterId): PeerTunnels | undefined {
    return this.#peers.get(cluster);
  }

  get peers(): readonly PeerTunnels[] {
    return [...this.#peers.values()];
  }

  /** Why the latest try to reach a peer failed. */
  failureOf(peer: ClusterId): string | undefined {
    return this.#failures.latest(peer);
  }

  /** A code: no tunnel to that cluster takes this stream now. */
  open(peer: ClusterId, header: OpenHeader): TunnelStream | "going-away" | "overload" {
    return this.#peers.get(peer)?.open(header) ?? "going-away";
  }

  /** Shows a renewed certificate, and believes renewed authorities, from now on; streams that are open are not touched. */
  setIdentity(identity: TunnelIdentity): void {
    this.#identity = identity;
    this.#acceptor.setIdentity(identity);
    this.#dialled.renew();
    for (const slots of this.#relayed.values()) slots.renew();
  }

  /** Takes and opens nothing new; what is open goes on. */
  drain(): void {
    this.#isDraining = true;
    this.#acceptor.close();
    this.#dialled.set(new Map());
    for (const peer of [...this.#relayed.keys()]) this.#stopRelayed(peer);
    for (const tunnel of this.peers.flatMap(({ all }) => all)) tunnel.drain();
  }

  /** Ends everything now. */
  stop(): void {
    this.drain();
    this.#tending?.cancel();
    for (const tunnel of this.peers.flatMap(({ all }) => all)) tunnel.close("stopping");
  }

  #slot(
    peer: ClusterId,
    dial: (signal: AbortSignal) => Promise<Result<DialledTunnel, string>>,
  ): DialSlot {
    const onFailed = (reason: string): void => {
      if (this.#failures.failed(peer, reason)) {
        this.#deps.log.warn("tunnel not made", { peer, err: reason });
      }
    };
    return new DialSlot({ ...this.#deps, dial, onFailed });
  }

  async #dial(
    peer: ClusterId,
    endpoint: string,
    signal: AbortSignal,
  ): Promise<Result<DialledTunnel, string>> {
    const full = this.#peers.get(peer)?.full;
    if (full !== undefined) return err(`cannot dial ${endpoint}: ${full}`);
    using limit = deadline(this.#deps.clock, HANDSHAKE_MS, signal);
    const raw = await connectTo(endpoint, this.#options.httpProxy, limit.signal);
    if (!raw.ok) return raw;
    return this.#secure(peer, raw.value, { path: "direct" }, signal);
  }

  async #dialRelayed(
    peer: ClusterId,
    via: ClusterId,
    signal: AbortSignal,
  ): Promise<Result<DialledTunnel, string>> {
    const full = this.#peers.get(peer)?.full;
    if (full !== undefined) return err(`cannot reach ${peer} through ${via}: ${full}`);
    using limit = deadline(this.#deps.clock, HANDSHAKE_MS, signal);
    const connection = await this.#relay.connect(peer, via, limit.signal);
    if (!connection.ok) return connection;
    return this.#secure(peer, connection.value, { path: "relayed", via }, signal);
  }

  async #secure(
    peer: ClusterId,
    raw: Duplex,
    way: Pick<TunnelFacts, "path" | "via">,
    signal: AbortSignal,
  ): Promise<Result<DialledTunnel, string>> {
    const secured = await secureTo(peer, raw, this.#identity, this.#deps, signal);
    if (!secured.ok) return secured;
    return this.#start(secured.value, { isDialler: true, ...way });
  }

  async #accept(secured: Secured): Promise<void> {
    // Inside another tunnel a connection has no address.
    const path = secured.socket.remoteAddress === undefined ? "relayed" : "direct";
    const started = await this.#start(secured, { isDialler: false, path });
    const { cluster: peer } = secured;
    if (started.ok || !this.#failures.refused(peer, started.error)) return;
    this.#deps.log.warn("tunnel refused", { peer, err: started.error });
  }

  /** Resolves when the peer has said hello. */
  #start(
    { socket, cluster, expiresAtMs }: Secured,
    how: Pick<TunnelFacts, "isDialler" | "path" | "via">,
  ): Promise<Result<DialledTunnel, string>> {
    const tunnels = this.#peers.get(cluster);
    if (tunnels === undefined || this.#isDraining) {
      socket.destroy();
      const why = this.#isDraining ? "this proxy stops" : `${cluster} is no member that we know of`;
      return Promise.resolve(err(`cannot keep tunnel: ${why}`));
    }
    const { full } = tunnels;
    if (full !== undefined) {
      this.#refused.add(1, { reason: "peer" });
      refuseTunnel(socket, tunnels.max, this.#deps.clock);
      return Promise.resolve(err(`cannot keep tunnel: ${full}`));
    }
    const down = Promise.withResolvers<void>();
    return new Promise((resolve) => {
      const tunnel = new Tunnel(
        socket,
        { peer: cluster, expiresAtMs, ...how },
        {
          onUp: () => {
            this.#failures.forget(cluster);
            this.#deps.log.info("tunnel up", { peer: cluster, ...how });
            this.#deps.onPeerChanged(cluster);
            this.#relay.refresh(tunnels);
            resolve(ok({ tunnel, down: down.promise }));
          },
          onStream: (stream) => this.#onStream(stream, cluster),
          onRoutes: (payload) => this.#relay.onRoutes(tunnel, payload),
          onDown: (_tunnel, reason) => {
            tunnels.remove(tunnel);
            this.#deps.log.info("tunnel down", { peer: cluster, reason, ...how });
            this.#deps.onPeerChanged(cluster);
            this.#relay.refresh(tunnels);
            this.#relay.gather(cluster);
            down.resolve();
            resolve(err(`tunnel to ${cluster} ended: ${reason}`));
          },
        },
        this.#deps,
      );
      tunnels.add(tunnel);
    });
  }

  #onStream(stream: TunnelStream, peer: ClusterId): void {
    if (stream.header.kind === "service") this.#deps.onServiceStream(stream, peer);
    else this.#relay.onStream(stream, stream.header, peer);
  }

  /** Costs of links, and who needs relays: looked at in turns, not at each ping. */
  #tend(): void {
    this.#tending = this.#deps.clock.setTimer(TEND_EVERY_MS, () => this.#tend());
    for (const [peer, tunnels] of this.#peers) {
      this.#relay.refresh(tunnels);
      if (tunnels.hasDirect || this.#isDraining) this.#stopRelayed(peer);
      // One of the two suffices.
      else if (this.#identity.cluster < peer)
        this.#relayedSlots(peer).set(this.#relay.waysTo(peer));
    }
    this.#relay.announce(this.peers);
  }

  #relayedSlots(peer: ClusterId): RelayedSlots {
    const known = this.#relayed.get(peer);
    if (known !== undefined) return known;
    const slots = new RelayedSlots((via) =>
      this.#slot(peer, (signal) => this.#dialRelayed(peer, via, signal)),
    );
    this.#relayed.set(peer, slots);
    return slots;
  }

  #stopRelayed(peer: ClusterId): void {
    this.#relayed.get(peer)?.stop();
    this.#relayed.delete(peer);
    this.#relay.forgetWays(peer);
  }
}
