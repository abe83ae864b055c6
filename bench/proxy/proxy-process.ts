import { parseClusterId } from "../../api/cluster-id.ts";
import type { EndpointSlice } from "../../api/kube/endpoint-slice.ts";
import { LABEL_SERVICE_NAME, LABEL_SOURCE_CLUSTER } from "../../api/mcs/labels.ts";
import { parsePeerIdentity } from "../../broker/identity/peer-identity.ts";
import { exportPolicy } from "../../connectivity/proxy/dial/export-policy.ts";
import { ProxyNode } from "../../connectivity/proxy/proxy-node.ts";
import type { TunnelIdentity } from "../../connectivity/proxy/tunnel/tunnel-identity.ts";
import type { Clock } from "../../runtime/clock/clock.ts";
import { systemClock } from "../../runtime/clock/system-clock.ts";
import { silentLogger } from "../../runtime/log/silent-log.ts";
import { silentMeter } from "../../runtime/metrics/silent-meter.ts";
import { systemRandom } from "../../runtime/random/system-random.ts";

/** What the parent tells a proxy that is measured. */
export interface ProxySetup {
  readonly identity: TunnelIdentity;
  /** Where each peer's tunnels are taken; empty: it dials us. */
  readonly peers: Readonly<Record<string, readonly string[]>>;
  readonly tunnelPort: number;
  readonly tunnels: number;
  /** Of each service of east: where clients come in, where it is. */
  readonly services: readonly {
    readonly name: string;
    readonly clients: number;
    readonly server: number;
  }[];
  /** Carries tunnels of others on. @default false */
  readonly relays?: boolean;
  /** Wall time is wrong by so much. @default 0 */
  readonly clockOffMs?: number;
}

/** What it tells a running one. */
export type ToProxy =
  | { readonly kind: "setup"; readonly setup: ProxySetup }
  | { readonly kind: "identity"; readonly identity: TunnelIdentity }
  | { readonly kind: "state" }
  /** In good order: what is open may end in its time. */
  | { readonly kind: "stop" };

export interface ProxyState {
  /** By peer: tunnels that take streams, and bytes that came over all that are there. */
  readonly usable: Readonly<Record<string, number>>;
  readonly bytesIn: number;
}

// One proxy of those that are measured: a process of its own, as in a cluster.
let node: ProxyNode | undefined;
process.on("message", (message: ToProxy) => {
  if (message.kind === "setup") void start(message.setup);
  else if (message.kind === "identity") node?.setIdentity(message.identity);
  else if (message.kind === "stop") void node?.stop(600_000);
  else process.send?.(stateOf(node));
});

async function start(setup: ProxySetup): Promise<void> {
  const { identity, peers, tunnelPort, tunnels, services, relays = false } = setup;
  node = new ProxyNode(
    {
      ownAddresses: ["127.0.0.1"],
      clientHost: "127.0.0.1",
      tunnelsPerEndpoint: tunnels,
      udpIdleMs: 60_000,
      bufferMaxBytes: 1 << 30,
      logsConnections: false,
      mayRelay: () => relays,
    },
    {
      identity,
      readCluster: (der) => {
        const read = parsePeerIdentity(der);
        return read.ok ? { ok: true, value: read.value.clusterId } : read;
      },
      clock: clockOffBy(setup.clockOffMs ?? 0),
      random: systemRandom,
      log: silentLogger,
      meter: silentMeter,
      policyOf: () => exportPolicy(),
      importOf: () => undefined,
      namespaceOf: () => "",
      onPeerChanged: () => undefined,
    },
  );
  const bound = await node.listen({ host: "127.0.0.1", port: tunnelPort });
  if (!bound.ok) throw new Error(bound.error);
  node.setPeers(
    new Map(
      Object.entries(peers).map(([peer, endpoints]) => {
        const cluster = parseClusterId(peer);
        if (!cluster.ok) throw new Error(cluster.error);
        return [cluster.value, endpoints];
      }),
    ),
  );
  for (const { name, clients, server } of services) {
    node.putSlice(slice(name, "east", identity.cluster === "east" ? server : clients));
  }
  await node.applyImports();
  const [problem] = node.listeners.problems;
  if (problem !== undefined) throw new Error(problem);
  process.send?.("ready");
}

function stateOf(of: ProxyNode | undefined): ProxyState {
  const peers = of?.hub.peers ?? [];
  const tunnels = peers.flatMap(({ all }) => all);
  return {
    usable: Object.fromEntries(peers.map(({ peer, usable }) => [peer, usable.length])),
    bytesIn: tunnels.reduce((sum, { bytesIn }) => sum + bytesIn, 0),
  };
}

function clockOffBy(ms: number): Clock {
  return { ...systemClock, nowMs: () => systemClock.nowMs() + ms };
}

function slice(name: string, source: string, port: number): EndpointSlice {
  return {
    apiVersion: "discovery.k8s.io/v1",
    kind: "EndpointSlice",
    metadata: {
      name,
      namespace: "bench",
      labels: { [LABEL_SERVICE_NAME]: name, [LABEL_SOURCE_CLUSTER]: source },
    },
    addressType: "IPv4",
    ports: [{ name: "main", protocol: "TCP", port }],
    endpoints: [{ addresses: ["127.0.0.1"], conditions: { ready: true } }],
  };
}
