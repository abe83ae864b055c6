import type { ClusterId } from "../../api/cluster-id.ts";
import type { EndpointSlice } from "../../api/kube/endpoint-slice.ts";
import type { KubeObject } from "../../api/kube/object.ts";
import { parsePeer } from "../../api/network/parse-network-objects.ts";
import type { ReportedPath } from "../../api/network/path-report.ts";
import type { ProxyNode } from "../../connectivity/proxy/proxy-node.ts";
import { Reporter, type ReporterDeps } from "../../connectivity/report/reporter.ts";
import { sleep } from "../../runtime/clock/sleep.ts";
import type { ObjectView } from "../../runtime/kube/object-view.ts";
import type { Meter } from "../../runtime/metrics/meter.ts";
import { type ArrivedWrites, serviceOf } from "../tracing/arrived-writes.ts";

interface Deps extends ReporterDeps {
  readonly node: ProxyNode;
  readonly slices: ObjectView<EndpointSlice>;
  readonly peers: ObjectView<KubeObject>;
  readonly meter: Meter;
  /** Told when the listeners that a change asks for are there. */
  readonly writes?: ArrivedWrites | undefined;
}

/** Round trips and bytes are looked at this often; states are told at once. */
const MEASURE_EVERY_MS = 1_000;

/** Keeps a proxy at what the cluster's objects say, and says in a PathReport and in metrics how its tunnels are. */
export function followProxyWorld(
  {
    name,
    advertise,
    clientAddresses,
  }: {
    readonly name: string;
    /** `host:port` each, at which other members can dial this proxy. */
    readonly advertise: readonly string[];
    /** To which imported services send this cluster's clients. */
    readonly clientAddresses: readonly string[];
  },
  deps: Deps,
): {
  refresh(): void;
  /** Says from now on that no client is to be sent here; `"peers"`: that none is to dial us either. */
  withdraw(from: "clients" | "peers"): void;
  run(signal: AbortSignal): Promise<void>;
} {
  const { node, slices, peers, clock, log, meter, writes } = deps;
  const reporter = new Reporter(name, deps, "proxy");
  const tunnels = meter.gauge({
    name: "isthmus_proxy_tunnels_count",
    help: "Tunnels on which streams can be opened.",
    labels: ["peer"],
  });
  const rtt = meter.gauge({
    name: "isthmus_proxy_tunnel_rtt_seconds",
    help: "Round trip time of the quickest tunnel.",
    labels: ["peer"],
  });
  /** BOUNDED: by the members. */
  const states = new Map<ClusterId, { state: ReportedPath["state"]; since: string }>();

  const setPeers = (): void => {
    const members = new Map<ClusterId, readonly string[]>();
    for (const object of peers.values()) {
      const peer = parsePeer(object);
      if (!peer.ok) {
        log.warn("peer is not well-formed", { name: object.metadata.name, err: peer.error });
        continue;
      }
      const { cluster, proxies } = peer.value.spec;
      members.set(
        cluster,
        proxies.map(({ endpoint }) => endpoint),
      );
    }
    for (const peer of states.keys()) {
      if (members.has(peer)) continue;
      states.delete(peer);
      tunnels.remove({ peer });
      rtt.remove({ peer });
    }
    node.setPeers(members);
  };

  const pathTo = (peer: ClusterId): ReportedPath => {
    const own = node.hub.peer(peer);
    const usable = own?.usable.length ?? 0;
    const failure = node.hub.failureOf(peer);
    const state = usable > 0 ? "up" : failure === undefined ? "unknown" : "down";
    const known = states.get(peer);
    const since = known?.state === state ? known.since : new Date(clock.nowMs()).toISOString();
    states.set(peer, { state, since });
    tunnels.set(usable, { peer });
    const rttMs = own?.rttMs;
    if (rttMs !== undefined) rtt.set(rttMs / 1000, { peer });
    return {
      peer,
      backend: "proxy",
      state,
      since,
      ...(state === "up" && rttMs !== undefined && { rttMs: Math.round(rttMs * 1000) / 1000 }),
      ...(state === "down" && failure !== undefined && { reason: failure }),
    };
  };

  /** Follows the slices; of the one that has changed it tells when its clients are listened for. */
  const listen = async (slice: EndpointSlice | undefined): Promise<void> => {
    if (slice !== undefined) writes?.saw(slice);
    await node.applyImports();
    if (slice !== undefined && node.listensFor(slice)) writes?.done([serviceOf(slice)]);
  };

  let withdrawn: "clients" | "peers" | undefined;
  let traffic = node.countTraffic();
  const refresh = (): void => {
    const paths = node.hub.peers.map(({ peer }) => pathTo(peer));
    const facts = {
      endpoints: withdrawn === "peers" ? [] : advertise,
      clientAddresses: withdrawn === undefined ? clientAddresses : [],
    };
    // Who goes away is no way to anybody, even while what is open goes on.
    reporter.say({ facts, paths: withdrawn === undefined ? paths : [], traffic });
  };

  return {
    refresh,
    withdraw(from) {
      withdrawn = from;
      traffic = node.countTraffic();
      refresh();
    },
    async run(signal) {
      const unsubscribe = [
        slices.subscribe((event) => {
          if (event.kind !== "changed") return;
          const { before, after } = event;
          if (before !== undefined) node.removeSlice(before);
          if (after !== undefined) node.putSlice(after);
          void listen(after);
        }),
        peers.subscribe(() => {
          setPeers();
          refresh();
        }),
      ];
      for (const slice of slices.values()) node.putSlice(slice);
      setPeers();
      await node.applyImports();
      const reporting = reporter.run(signal);
      while (!signal.aborted) {
        traffic = node.countTraffic();
        refresh();
        await sleep(clock, MEASURE_EVERY_MS, signal);
      }
      for (const each of unsubscribe) each();
      await reporting;
    },
  };
}
