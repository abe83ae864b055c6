import type { Command } from "../../sandbox/network/netns/net-commands.ts";
import type { ClusterPlan, NodePlan } from "../../sandbox/network/netns/net-plan.ts";

/** VXLAN as somebody would set it up by hand for two clusters that do not overlap: no filter, no translation, nothing followed. */
export interface HandmadeVxlan {
  readonly clusters: readonly [ClusterPlan, ClusterPlan];
  /** How many nodes of each, from the first, are gateways. */
  readonly gateways: number;
  /** Underneath, between gateways. @default the nodes' own addresses, and links of the clusterset's MTU */
  readonly between?: {
    readonly addressOf: (gateway: NodePlan) => string;
    readonly mtu: number;
  };
}

const NODE = { device: "hm-node", vni: 10, port: 4790, overheadBytes: 50 } as const;
const WAN = { device: "hm-wan", vni: 11, port: 4791, overheadBytes: 50 } as const;
/** What comes from the other cluster goes to its node inside of the cluster's VXLAN, as it came. */
const TABLE = 110;

/** Three segments, as with gateways of any kind: node to gateway, gateway to gateway, gateway to node. IPv4. */
export function buildHandmade(
  { clusters, gateways, between }: HandmadeVxlan,
  mtu: number,
): readonly Command[] {
  const onLinks: Under = { addressOf: ({ addresses: [address = ""] }) => address, mtu };
  const all = clusters.flatMap((cluster) => gatewaysOf(cluster, gateways));
  return clusters.flatMap((cluster, index) => {
    const remote = clusters[1 - index];
    if (remote === undefined) return [];
    const own = gatewaysOf(cluster, gateways);
    return cluster.nodes.flatMap((node) => {
      const ip = `ip -n ${node.namespace}`;
      const isGateway = own.includes(node);
      const hops = isGateway
        ? gatewaysOf(remote, gateways).map(
            (hop) => `nexthop via ${addressOn(WAN, hop)} dev ${WAN.device}`,
          )
        : own.map((hop) => `nexthop via ${addressOn(NODE, hop)} dev ${NODE.device}`);
      return [
        ...device(node, NODE, cluster.nodes, onLinks),
        ...(isGateway ? device(node, WAN, all, between ?? onLinks) : []),
        `ip netns exec ${node.namespace} sh -c 'echo 1 >/proc/sys/net/ipv4/fib_multipath_hash_policy'`,
        `${ip} route add ${remote.podCidrs[0]} ${hops.join(" ")}`,
        // The other cluster's pods are to be seen as what they are.
        `ip netns exec ${node.namespace} nft insert rule inet cni postrouting ip daddr ${remote.podCidrs[0]} accept`,
        ...(isGateway
          ? [
              `${ip} rule add iif ${WAN.device} table ${TABLE} priority 1000`,
              ...cluster.nodes
                .filter((other) => other !== node)
                .map(
                  (other) =>
                    `${ip} route add ${other.podCidrs[0]} via ${addressOn(NODE, other)} dev ${NODE.device} table ${TABLE}`,
                ),
            ]
          : []),
      ];
    });
  });
}

type Kind = typeof NODE | typeof WAN;
type Under = NonNullable<HandmadeVxlan["between"]>;

function device(
  node: NodePlan,
  kind: Kind,
  peers: readonly NodePlan[],
  { addressOf, mtu }: Under,
): readonly Command[] {
  const ip = `ip -n ${node.namespace}`;
  const { device: name } = kind;
  return [
    `${ip} link add ${name} address ${macOf(node)} mtu ${mtu - kind.overheadBytes} type vxlan id ${kind.vni} dstport ${kind.port} local ${addressOf(node)} nolearning`,
    `${ip} addr add ${addressOn(kind, node)}/16 dev ${name}`,
    `${ip} link set ${name} up`,
    ...peers
      .filter((peer) => peer !== node)
      .flatMap((peer) => [
        `bridge -n ${node.namespace} fdb append ${macOf(peer)} dev ${name} dst ${addressOf(peer)}`,
        `${ip} neigh replace ${addressOn(kind, peer)} lladdr ${macOf(peer)} dev ${name} nud permanent`,
      ]),
  ];
}

function gatewaysOf(cluster: ClusterPlan, count: number): readonly NodePlan[] {
  return cluster.nodes.slice(0, count);
}

/** Cluster and node are the last two numbers, as in the node's own address. */
function addressOn(kind: Kind, node: NodePlan): string {
  const [, , cluster, number] = (node.addresses[0] ?? "").split(".");
  return `10.${kind === NODE ? 250 : 251}.${cluster}.${number}`;
}

function macOf(node: NodePlan): string {
  const [, , cluster, number] = (node.addresses[0] ?? "").split(".");
  return `02:68:6d:00:0${cluster}:0${number}`;
}
