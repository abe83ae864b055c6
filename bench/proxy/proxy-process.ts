import { parseClusterId } from "../../api/cluster-id.ts";
import type { EndpointSlice } from "../../api/kube/endpoint-slice.ts";
import { LABEL_SERVICE_NAME, LABEL_SOURCE_CLUSTER } from "../../api/mcs/labels.ts";
import { parsePeerIdentity } from "../../broker/identity/peer-identity.ts";
import { exportPolicy } from "../../connectivity/proxy/dial/export-policy.ts";
import { ProxyNode } from "../../connectivity/proxy/proxy-node.ts";
import type { TunnelIdentity } from "../../connectivity/proxy/tunnel/tunnel-identity.ts";
import { systemClock } from "../../runtime/clock/system-clock.ts";
import { silentLogger } from "../../runtime/log/silent-log.ts";
import { silentMeter } from "../../runtime/metrics/silent-meter.ts";
import { systemRandom } from "../../runtime/random/system-random.ts";

/** What the parent tells a proxy that is measured. */
export interface ProxySetup {
  readonly identity: TunnelIdentity;
  readonly peer: string;
  /** Where the peer's tunnels are taken; absent: it dials us. */
  readonly peerEndpoint?: string;
  readonly tunnelPort: number;
  readonly tunnels: number;
  /** Of each service: where clients come in (west), where it is (east). */
  readonly services: readonly {
    readonly name: string;
    readonly clients: number;
    readonly server: number;
  }[];
}

// One proxy of the pair that `run.ts` measures: a process of its own, as in a cluster.
process.once("message", (setup: ProxySetup) => void start(setup));

async function start({
  identity,
  peer,
  peerEndpoint,
  tunnelPort,
  tunnels,
  services,
}: ProxySetup): Promise<void> {
  const cluster = parseClusterId(peer);
  if (!cluster.ok) throw new Error(cluster.error);
  const node = new ProxyNode(
    {
      ownAddresses: ["127.0.0.1"],
      clientHost: "127.0.0.1",
      tunnelsPerEndpoint: tunnels,
      udpIdleMs: 60_000,
      bufferMaxBytes: 1 << 30,
      logsConnections: false,
      mayRelay: () => false,
    },
    {
      identity,
      readCluster: (der) => {
        const read = parsePeerIdentity(der);
        return read.ok ? { ok: true, value: read.value.clusterId } : read;
      },
      clock: systemClock,
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
  node.setPeers(new Map([[cluster.value, peerEndpoint === undefined ? [] : [peerEndpoint]]]));
  for (const { name, clients, server } of services) {
    node.putSlice(slice(name, "east", identity.cluster === "east" ? server : clients));
  }
  await node.applyImports();
  const wait = (): void => {
    if ((node.hub.peer(cluster.value)?.usable.length ?? 0) >= tunnels) process.send?.("ready");
    else setTimeout(wait, 10);
  };
  wait();
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
