import type { IpFamily } from "../../../api/kube/service.ts";

/** Which clusters there are and how they hang together, as a test asks for it. */
export interface NetShape {
  /** Ids of the clusters, which their namespaces begin with. At most 9. */
  readonly clusters: readonly string[];
  /** At most 9. @default 2 */
  readonly nodesPerCluster?: number;
  /** The primary one first; nodes have the same families as pods. @default IPv4 */
  readonly families?: readonly IpFamily[];
  /** Give every cluster the same pod and service CIDRs. @default false */
  readonly overlapping?: boolean;
  /** Of every link, pods' included. @default 1500 */
  readonly mtu?: number;
  /** Pairs of clusters between which the internet carries pod addresses as they are. @default none */
  readonly underlay?: readonly (readonly [string, string])[];
}

export interface NetPlan {
  readonly clusters: readonly ClusterPlan[];
  readonly mtu: number;
  readonly underlay: readonly (readonly [string, string])[];
}

export interface ClusterPlan {
  readonly id: string;
  /** 1 to 9; in all addresses. */
  readonly number: number;
  readonly families: readonly IpFamily[];
  /** One of each family, as those below. */
  readonly podCidrs: readonly string[];
  readonly serviceCidrs: readonly string[];
  /** The subnet that the cluster's nodes share. */
  readonly nodeCidrs: readonly string[];
  /** The internet's addresses in that subnet, the nodes' default gateways. */
  readonly routerAddresses: readonly string[];
  /** The internet's bridge that the nodes are plugged into. */
  readonly bridge: string;
  readonly nodes: readonly NodePlan[];
}

export interface NodePlan {
  readonly cluster: string;
  /** The Node object's name. */
  readonly name: string;
  readonly namespace: string;
  readonly addresses: readonly string[];
  readonly podCidrs: readonly string[];
  /** On the management link, which only processes of the program use. */
  readonly managementAddress: string;
  /** The internet's end of the node's `eth0`. */
  readonly port: string;
}

/** A pod or anything else with an address of a node's pod CIDR. */
export interface PodPlan {
  readonly namespace: string;
  readonly node: NodePlan;
  readonly addresses: readonly string[];
  /** The node's end of the pod's `eth0`. */
  readonly link: string;
  /** Given: the pod is on the management link too. */
  readonly managementAddress?: string;
}

/** The namespace between the clusters. */
export const INTERNET = "internet";
/** The management link's bridge in the room's own namespace, and the room's address there. */
export const MANAGEMENT = { bridge: "mgmt", address: "172.31.0.1", prefixLength: 16 } as const;
/** Every node's address towards its pods, the same everywhere, as Calico does it. */
export const POD_GATEWAYS: Readonly<Record<IpFamily, string>> = {
  IPv4: "169.254.1.1",
  IPv6: "fe80::1",
};

/** Names and addresses of everything, from the shape alone. */
export function planNetwork(shape: NetShape): NetPlan {
  const { clusters, nodesPerCluster = 2, families = ["IPv4"], overlapping = false } = shape;
  return {
    mtu: shape.mtu ?? 1500,
    underlay: shape.underlay ?? [],
    clusters: clusters.map((id, index) =>
      planCluster(id, { number: index + 1, nodes: nodesPerCluster, families, overlapping }),
    ),
  };
}

function planCluster(
  id: string,
  options: {
    readonly number: number;
    readonly nodes: number;
    readonly families: readonly IpFamily[];
    readonly overlapping: boolean;
  },
): ClusterPlan {
  const { number, families } = options;
  // What overlaps is the inside; nodes are told apart on the internet in any case.
  const inside = options.overlapping ? 0 : number;
  const of = (texts: Readonly<Record<IpFamily, string>>): readonly string[] =>
    families.map((family) => texts[family]);
  const nodes = Array.from({ length: options.nodes }, (_, index): NodePlan => {
    const node = index + 1;
    return {
      cluster: id,
      name: `node-${node}`,
      namespace: `${id}-node-${node}`,
      addresses: of({ IPv4: `172.20.${number}.${node}`, IPv6: `fd20:${number}::${node}` }),
      podCidrs: of({ IPv4: `10.${inside}.${node}.0/24`, IPv6: `fd10:${inside}:0:${node}::/64` }),
      managementAddress: `172.31.${number}.${node}`,
      port: `p-${number}-${node}`,
    };
  });
  return {
    id,
    number,
    families,
    podCidrs: of({ IPv4: `10.${inside}.0.0/16`, IPv6: `fd10:${inside}::/48` }),
    serviceCidrs: of({ IPv4: `10.${100 + inside}.0.0/16`, IPv6: `fd11:${inside}::/112` }),
    nodeCidrs: of({ IPv4: `172.20.${number}.0/24`, IPv6: `fd20:${number}::/64` }),
    routerAddresses: of({ IPv4: `172.20.${number}.254`, IPv6: `fd20:${number}::fe` }),
    bridge: `br-${number}`,
    nodes,
  };
}

/** A pod of the harness itself, such as the controllers'; its address is one that kubelets never hand out. */
export function planHarnessPod(
  cluster: ClusterPlan,
  node: NodePlan,
  options: { readonly name: string; readonly offset: number; readonly managed: boolean },
): PodPlan {
  const { name, offset, managed } = options;
  return {
    namespace: `${cluster.id}-${name}`,
    node,
    addresses: node.podCidrs.map((cidr) => harnessAddress(cidr, offset)),
    link: `h-${offset}`,
    ...(managed
      ? { managementAddress: `172.31.${cluster.number}.${100 + numberOf(node) * 16 + offset}` }
      : {}),
  };
}

/** `offset` 0 to 13, among the last sixteen of a /24, or of the last 64 bits. */
function harnessAddress(cidr: string, offset: number): string {
  const [network = ""] = cidr.split("/");
  return network.includes(":")
    ? network.replace(/::$/, `:ffff:ffff:ffff:fff${offset.toString(16)}`)
    : network.replace(/\.0$/, `.${240 + offset}`);
}

function numberOf(node: NodePlan): number {
  return Number(node.name.split("-").at(-1));
}
