import type { Socket } from "node:net";
import { assertNever } from "../../api/invariant.ts";
import { err, ok, type Result } from "../../api/result.ts";
import type { Clock } from "../../runtime/clock/clock.ts";
import { canonicalIp } from "./canonical-ip.ts";
import type { Destination, DialError, Dialer, DialOptions, UdpFlow, UdpOptions } from "./dialer.ts";
import type { HostPort } from "./loopback.ts";
import type { PeerRoute } from "./member-network-options.ts";
import type { Transport } from "./pod-directory.ts";
import { Balancer } from "./proxy/balancer.ts";
import { endpointKey, type ForwardingTable, forwardingKey } from "./proxy/forwarding-table.ts";
import { GuardedFlow } from "./proxy/guarded-flow.ts";
import { routePacket, type Topology } from "./route.ts";

export interface MemberNetworkDeps {
  readonly clock: Clock;
  /** This member's pods. */
  readonly local: Dialer;
  /** The way into a peer's pods. */
  readonly peerDialer: (fabric: HostPort) => Dialer;
  /** The present forwarding table. */
  readonly table: () => ForwardingTable;
}

/** A packet's next hop after the service proxy. */
interface Hop {
  readonly dialer: Dialer;
  readonly to: Destination;
  /** The forwarded port that chose `to`. */
  readonly portKey?: string;
}

/** One member's network seen from inside: ClusterIPs, its own pods, and peers' pods where the underlay routes. */
export class MemberNetwork implements Dialer {
  readonly #deps: MemberNetworkDeps;
  readonly #balancer = new Balancer();
  #topology: Topology;

  constructor(topology: Topology, deps: MemberNetworkDeps) {
    this.#topology = topology;
    this.#deps = deps;
  }

  /** Open connections keep their way; new ones take the new routes. */
  setPeers(peers: readonly PeerRoute[]): void {
    this.#topology = { ...this.#topology, peers };
  }

  async dialTcp(to: Destination, options: DialOptions): Promise<Result<Socket, DialError>> {
    const hop = this.#hop("tcp", to, options.clientIp);
    return hop.ok ? hop.value.dialer.dialTcp(hop.value.to, options) : hop;
  }

  /** A flow to a ClusterIP closes when its endpoint leaves, as kube-proxy flushes conntrack entries: the next datagram is balanced anew. */
  async openUdp(to: Destination, options: UdpOptions): Promise<Result<UdpFlow, DialError>> {
    const hop = this.#hop("udp", to, options.clientIp);
    if (!hop.ok) return hop;
    const { dialer, portKey, to: endpoint } = hop.value;
    const opened = await dialer.openUdp(endpoint, options);
    if (!opened.ok || portKey === undefined) return opened;
    return ok(new GuardedFlow(opened.value, () => this.#isServed(portKey, endpoint)));
  }

  #hop(transport: Transport, to: Destination, clientIp: string): Result<Hop, DialError> {
    const asked: Destination = { ip: canonicalIp(to.ip) ?? to.ip, port: to.port };
    const table = this.#deps.table();
    const protocol = transport === "tcp" ? "TCP" : "UDP";
    const port = table.ports.get(forwardingKey(asked.ip, protocol, asked.port));
    if (port === undefined) {
      if (!table.clusterIps.has(asked.ip)) return this.#route(asked);
      const message = `no service port is ${protocol} ${asked.port} at ${asked.ip}`;
      return err({ kind: "refused", message });
    }
    const endpoint = this.#balancer.pick(port, clientIp, this.#deps.clock.monotonicMs());
    if (endpoint === undefined) {
      return err({ kind: "refused", message: `no endpoint is ready for ${port.name}` });
    }
    // A packet is rewritten once: an endpoint that is itself a ClusterIP is not balanced again.
    const hop = this.#route(endpoint);
    return hop.ok ? ok({ ...hop.value, portKey: port.key }) : hop;
  }

  #route(to: Destination): Result<Hop, DialError> {
    const route = routePacket(to.ip, this.#topology);
    switch (route.kind) {
      case "local":
        return ok({ dialer: this.#deps.local, to });
      case "peer":
        return ok({ dialer: this.#deps.peerDialer(route.fabric), to });
      case "unreachable":
        return err({ kind: "host-unreachable", message: `nothing has the address ${to.ip}` });
      default:
        return assertNever(route);
    }
  }

  #isServed(portKey: string, endpoint: Destination): boolean {
    const endpoints = this.#deps.table().ports.get(portKey)?.endpoints ?? [];
    return endpoints.some((candidate) => endpointKey(candidate) === endpointKey(endpoint));
  }
}
