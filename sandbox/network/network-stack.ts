import type { EndpointSlice } from "../../api/kube/endpoint-slice.ts";
import type { Service } from "../../api/kube/service.ts";
import { ok, type Result } from "../../api/result.ts";
import type { Clock } from "../../runtime/clock/clock.ts";
import type { ObjectView } from "../../runtime/kube/object-view.ts";
import type { Logger } from "../../runtime/log/log.ts";
import { formatListenAddress } from "../../runtime/net/listen-address.ts";
import type { Random } from "../../runtime/random/random.ts";
import { FabricDialer } from "./fabric/fabric-dialer.ts";
import { LocalDialer } from "./local-dialer.ts";
import type { HostPort } from "./loopback.ts";
import { MemberNetwork } from "./member-network.ts";
import type { ClusterObjects } from "./names/cluster-names.ts";
import { DnsClient } from "./names/dns-client.ts";
import { MemberResolver } from "./names/member-resolver.ts";
import { PodDirectory } from "./pod-directory.ts";
import { ForwardingSource } from "./proxy/forwarding-source.ts";
import type { Topology } from "./route.ts";
import { SocksServer } from "./socks/socks-server.ts";

export interface NetworkStackOptions extends Topology {
  readonly nodeName: string;
  /** Who dials through the SOCKS5 entry. */
  readonly shellIp: string;
  /** Of the shell, for short names. */
  readonly namespace: string;
  readonly socksListen: HostPort;
  readonly fabricListen: HostPort;
  readonly dnsServer: HostPort | undefined;
}

export interface NetworkStackDeps {
  readonly services: ObjectView<Service>;
  readonly endpointSlices: ObjectView<EndpointSlice>;
  /** For names under cluster.local. */
  readonly objects: ClusterObjects;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
}

export interface NetworkEntries {
  /** `host:port`. */
  readonly socks: string;
  readonly fabric: string;
}

/** One member's network, whole: pods' addresses, service proxy, names, and its two entries on the machine. */
export class NetworkStack {
  readonly directory = new PodDirectory();
  readonly network: MemberNetwork;
  readonly #options: NetworkStackOptions;
  readonly #deps: NetworkStackDeps;
  readonly #forwarding: ForwardingSource;
  readonly #resolver: MemberResolver;
  readonly #socks: SocksServer;
  readonly #fabric: SocksServer;

  constructor(options: NetworkStackOptions, deps: NetworkStackDeps) {
    const { clock, log } = deps;
    this.#options = options;
    this.#deps = deps;
    this.#forwarding = new ForwardingSource(deps, { nodeName: options.nodeName });
    this.#resolver = new MemberResolver({ namespace: options.namespace }, deps);
    if (options.dnsServer !== undefined) this.setDnsServer(options.dnsServer);
    const local = new LocalDialer(this.directory, clock);
    this.network = new MemberNetwork(options, {
      clock,
      local,
      peerDialer: (fabric) => new FabricDialer(fabric, clock),
      table: () => this.#forwarding.table(),
    });
    this.#socks = new SocksServer(
      { listen: options.socksListen, client: { kind: "fixed", ip: options.shellIp } },
      { clock, log: log.child({ entry: "socks" }), dialer: this.network, resolver: this.#resolver },
    );
    // Peers reach pods and nothing else: neither ClusterIPs nor names nor a third member.
    this.#fabric = new SocksServer(
      { listen: options.fabricListen, client: { kind: "named" } },
      { clock, log: log.child({ entry: "fabric" }), dialer: local },
    );
  }

  /** Fails when a port is taken; nothing listens then. */
  async start(): Promise<Result<NetworkEntries, string>> {
    this.#forwarding.start();
    const [socks, fabric] = await Promise.all([this.#socks.start(), this.#fabric.start()]);
    if (!socks.ok || !fabric.ok) await this.stop();
    if (!socks.ok) return socks;
    if (!fabric.ok) return fabric;
    const { socksListen, fabricListen } = this.#options;
    return ok({
      socks: formatListenAddress({ ...socksListen, port: socks.value }),
      fabric: formatListenAddress({ ...fabricListen, port: fabric.value }),
    });
  }

  setDnsServer(server: HostPort): void {
    this.#resolver.setDns(new DnsClient(server, {}, this.#deps));
  }

  /** Ends every connection. Idempotent. */
  async stop(): Promise<void> {
    this.#forwarding.stop();
    await Promise.all([this.#socks.stop(), this.#fabric.stop()]);
  }
}
