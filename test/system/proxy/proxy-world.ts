import { once } from "node:events";
import { type AddressInfo, createServer } from "node:net";
import { type ClusterId, parseClusterId } from "../../../api/cluster-id.ts";
import type { EndpointSlice } from "../../../api/kube/endpoint-slice.ts";
import { LABEL_SERVICE_NAME, LABEL_SOURCE_CLUSTER } from "../../../api/mcs/labels.ts";
import { must } from "../../../api/result.ts";
import {
  CertificateAuthority,
  createAuthorityMaterial,
} from "../../../broker/identity/authority/certificate-authority.ts";
import {
  createCertificateRequest,
  parseCertificateRequest,
} from "../../../broker/identity/authority/certificate-request.ts";
import { generateKeyPem } from "../../../broker/identity/authority/key-pair.ts";
import { parsePeerIdentity } from "../../../broker/identity/peer-identity.ts";
import { exportPolicy } from "../../../connectivity/proxy/dial/export-policy.ts";
import type { ImportFacts } from "../../../connectivity/proxy/dial/service-dialler.ts";
import {
  ProxyNode,
  type ProxyNodeDeps,
  type ProxyNodeOptions,
} from "../../../connectivity/proxy/proxy-node.ts";
import type { TunnelIdentity } from "../../../connectivity/proxy/tunnel/tunnel-identity.ts";
import type { Clock } from "../../../runtime/clock/clock.ts";
import { systemClock } from "../../../runtime/clock/system-clock.ts";
import { silentLogger } from "../../../runtime/log/silent-log.ts";
import { silentMeter } from "../../../runtime/metrics/silent-meter.ts";
import { systemRandom } from "../../../runtime/random/system-random.ts";

/** Clocks of proxies whose members' clocks are wrong: as the machine's, so many milliseconds off. */
export function clockOffBy(ms: number): Clock {
  return { ...systemClock, nowMs: () => systemClock.nowMs() + ms };
}

export const id = (name: string): ClusterId => must(parseClusterId(name));

export const readCluster: ProxyNodeDeps["readCluster"] = (der) => {
  const peer = parsePeerIdentity(der);
  return peer.ok ? { ok: true, value: peer.value.clusterId } : peer;
};

/** A clusterset's authority, and certificates for whoever is asked for. */
export class TestAuthority {
  readonly #authority: CertificateAuthority;

  constructor(authority: CertificateAuthority) {
    this.#authority = authority;
  }

  static async create(clock: Clock = systemClock): Promise<TestAuthority> {
    const material = must(await createAuthorityMaterial("test", clock));
    return new TestAuthority(must(await CertificateAuthority.open(material, clock)));
  }

  get certPem(): string {
    return this.#authority.certPem;
  }

  async identity(
    cluster: string,
    { lifeMs, authorities }: { lifeMs?: number; authorities?: readonly string[] } = {},
  ): Promise<TunnelIdentity> {
    const keyPem = await generateKeyPem();
    const request = must(
      await parseCertificateRequest(must(await createCertificateRequest(keyPem))),
    );
    const peer = { clusterset: this.#authority.clusterset, clusterId: id(cluster), incarnation: 1 };
    const { certPem } = await this.#authority.issueMember(request, peer, lifeMs);
    const trusted = authorities ?? [this.#authority.certPem];
    return { cluster: peer.clusterId, keyPem, certPem, authorities: trusted };
  }
}

export interface TestProxy {
  readonly node: ProxyNode;
  readonly cluster: ClusterId;
  /** `127.0.0.1:port` where peers dial it. */
  readonly endpoint: string;
  /** Annotations of its ServiceExports by service. */
  readonly annotations: Map<string, Record<string, string>>;
  /** Its ServiceImports by service, where a test needs them. */
  readonly imports: Map<string, ImportFacts>;
}

/** One member's proxy on this machine; `own` are addresses that slices may name as its. */
export async function startProxy(
  identity: TunnelIdentity,
  more: Partial<ProxyNodeOptions & ProxyNodeDeps> = {},
): Promise<TestProxy> {
  const annotations = new Map<string, Record<string, string>>();
  const imports = new Map<string, ImportFacts>();
  const node = new ProxyNode(
    {
      ownAddresses: ["127.0.0.1"],
      clientHost: "127.0.0.1",
      tunnelsPerEndpoint: 2,
      udpIdleMs: 60_000,
      bufferMaxBytes: 1 << 30,
      logsConnections: false,
      mayRelay: () => true,
      ...more,
    },
    {
      identity,
      readCluster,
      clock: systemClock,
      random: systemRandom,
      log: silentLogger,
      meter: silentMeter,
      policyOf: (service) => exportPolicy(annotations.get(service)),
      importOf: (service) => imports.get(service),
      namespaceOf: () => "",
      onPeerChanged: () => undefined,
      ...more,
    },
  );
  const bound = must(await node.listen({ host: "127.0.0.1", port: 0 }));
  return {
    node,
    cluster: identity.cluster,
    endpoint: `127.0.0.1:${bound.port}`,
    annotations,
    imports,
  };
}

/** An MCS slice with one port. */
export function slice(
  source: string,
  service: string,
  port: { readonly name?: string; readonly protocol?: "TCP" | "UDP"; readonly port: number },
  addresses: readonly string[] = ["127.0.0.1"],
): EndpointSlice {
  const [namespace = "", name = ""] = service.split("/");
  return {
    apiVersion: "discovery.k8s.io/v1",
    kind: "EndpointSlice",
    metadata: {
      name: `${name}-${source}-${port.name ?? "port"}-${port.protocol ?? "TCP"}`.toLowerCase(),
      namespace,
      labels: { [LABEL_SERVICE_NAME]: name, [LABEL_SOURCE_CLUSTER]: source },
    },
    addressType: "IPv4",
    ports: [port],
    endpoints: addresses.map((address) => ({ addresses: [address], conditions: { ready: true } })),
  };
}

/** A server that says what it is told; the port. `ends` gets what stops it. */
export async function serveEcho(ends: (() => unknown)[], host = "127.0.0.1"): Promise<number> {
  const server = createServer((socket) => {
    socket.on("error", () => undefined);
    socket.pipe(socket);
  });
  server.listen(0, host);
  await once(server, "listening");
  ends.push(() => server.close());
  return (server.address() as AddressInfo).port;
}

/** Waits until it holds; a deadline that only a broken program meets. */
export async function until(what: string, holds: () => boolean, withinMs = 60_000): Promise<void> {
  const start = performance.now();
  while (!holds()) {
    if (performance.now() - start > withinMs) throw new Error(`not within ${withinMs} ms: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

/** West imports what east exports; east listens, west dials. */
export interface Pair {
  readonly authority: TestAuthority;
  readonly west: TestProxy;
  readonly east: TestProxy;
  /** Exports a local port from east and imports it in west; returns the port for clients in west. */
  carry(port: number, protocol?: "TCP" | "UDP", service?: string): Promise<number>;
  stop(): Promise<void>;
}

let nextPort = 21_000 + Math.floor(Math.random() * 6_000);

/** Ports to try, one after the other: files that run beside this one may have taken some. */
export function* nextPorts(): Generator<number> {
  for (let tries = 0; tries < 100; tries++) yield nextPort++;
}

/** Has a proxy listen for clients of a slice at a port that nobody has; the port. */
export async function listenAnywhere(
  { node }: Pick<TestProxy, "node">,
  sliceAt: (port: number) => EndpointSlice,
): Promise<number> {
  for (const port of nextPorts()) {
    node.putSlice(sliceAt(port));
    await node.applyImports();
    if (node.listeners.problems.length === 0) return port;
  }
  throw new Error(node.listeners.problems.join("; "));
}

export async function startPair(
  more: {
    west?: Partial<ProxyNodeOptions & ProxyNodeDeps>;
    east?: Partial<ProxyNodeOptions & ProxyNodeDeps>;
  } = {},
): Promise<Pair> {
  const authority = await TestAuthority.create();
  const east = await startProxy(await authority.identity("east"), more.east);
  const west = await startProxy(await authority.identity("west"), more.west);
  east.node.setPeers(new Map([[west.cluster, []]]));
  west.node.setPeers(new Map([[east.cluster, [east.endpoint]]]));
  await until("tunnels", () => (west.node.hub.peer(east.cluster)?.usable.length ?? 0) >= 2);
  return {
    authority,
    west,
    east,
    async carry(port, protocol = "TCP", service = "shop/db") {
      east.node.putSlice(slice("east", service, { name: "main", protocol, port }));
      return listenAnywhere(west, (local) =>
        slice("east", service, { name: "main", protocol, port: local }),
      );
    },
    async stop() {
      await Promise.all([west.node.stop(0), east.node.stop(0)]);
    },
  };
}
