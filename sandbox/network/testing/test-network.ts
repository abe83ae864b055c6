import type { EndpointSlice } from "../../../api/kube/endpoint-slice.ts";
import type { Service } from "../../../api/kube/service.ts";
import { must } from "../../../api/result.ts";
import { systemClock } from "../../../runtime/clock/system-clock.ts";
import { ObjectStore } from "../../../runtime/kube/reflector/object-store.ts";
import { silentLogger } from "../../../runtime/log/silent-log.ts";
import { seededRandom } from "../../../runtime/random/seeded-random.ts";
import { SLICES_BY_SERVICE, sliceIndexes } from "../../node/member-views.ts";
import type { PodPort } from "../../node/pod-server/pod-runtime.ts";
import { PodServers } from "../../node/pod-server/pod-servers.ts";
import { parseHostPort } from "../loopback.ts";
import { type PeerNetwork, parseCidrs, parsePeers } from "../member-network-options.ts";
import { NetworkStack } from "../network-stack.ts";

/** A member's network without an API server: Services and slices are put in by hand, pods are real servers. */
export class TestNetwork implements AsyncDisposable {
  readonly services = new ObjectStore<Service>({}, { log: silentLogger });
  readonly slices = new ObjectStore<EndpointSlice>(
    { indexes: sliceIndexes },
    { log: silentLogger },
  );
  readonly stack: NetworkStack;
  readonly cluster: string;
  socks = "";
  fabric = "";
  readonly #pods = new Map<string, { readonly servers: PodServers; readonly leave: () => void }>();

  static async start(cluster = "east", dnsServer?: string): Promise<TestNetwork> {
    const network = new TestNetwork(cluster, dnsServer);
    const entries = must(await network.stack.start());
    network.socks = entries.socks;
    network.fabric = entries.fabric;
    return network;
  }

  private constructor(cluster: string, dnsServer: string | undefined) {
    this.cluster = cluster;
    this.stack = new NetworkStack(
      {
        nodeName: "node-1",
        shellIp: "10.1.0.250",
        namespace: "default",
        podCidrs: must(parseCidrs(["10.1.0.0/24"])),
        serviceCidrs: must(parseCidrs(["10.96.0.0/16"])),
        peers: [],
        socksListen: { host: "127.0.0.1", port: 0 },
        fabricListen: { host: "127.0.0.1", port: 0 },
        dnsServer: dnsServer === undefined ? undefined : must(parseHostPort(dnsServer)),
      },
      {
        services: this.services,
        endpointSlices: this.slices,
        objects: {
          service: (namespace, name) => this.services.get(`${namespace}/${name}`),
          slices: (namespace, name) =>
            this.slices.byIndex(SLICES_BY_SERVICE, `${namespace}/${name}`),
        },
        clock: systemClock,
        random: seededRandom(7),
        log: silentLogger,
      },
    );
  }

  setPeers(peers: readonly PeerNetwork[]): void {
    this.stack.network.setPeers(must(parsePeers(peers)));
  }

  async addPod(podIp: string, ports: readonly PodPort[]): Promise<void> {
    const identity = {
      cluster: this.cluster,
      node: "node-1",
      namespace: "shop",
      pod: `pod-${podIp}`,
      podIp,
    };
    const servers = must(await PodServers.start(identity, ports, systemClock));
    const leave = this.stack.directory.register(podIp, servers.sockets);
    this.#pods.set(podIp, { servers, leave });
  }

  async removePod(podIp: string): Promise<void> {
    const pod = this.#pods.get(podIp);
    this.#pods.delete(podIp);
    pod?.leave();
    await pod?.servers.stop();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stack.stop();
    await Promise.all([...this.#pods.keys()].map((ip) => this.removePod(ip)));
  }
}
