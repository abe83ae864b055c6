import { ciliumMesh } from "../../../connectivity/overlay-cni/real-objects.fixture.ts";
import type { NetCluster, NetClusterset } from "../../../sandbox/clusterset/net-clusterset.ts";
import type { Command } from "../../../sandbox/network/netns/net-commands.ts";
import type { NodePlan } from "../../../sandbox/network/netns/net-plan.ts";
import { runCommands } from "../../../sandbox/network/netns/run-commands.ts";

/** What agents of Cilium do to nodes with `tunnel-protocol: vxlan`, as far as packets can tell. */
const DEVICE = "cilium_vxlan";
const OVERHEAD_BYTES = 50;

/** Two clusters whose CNI carries pod addresses between their nodes, and has the objects that say so. IPv4. */
export async function joinCiliumMesh(
  clusterset: NetClusterset,
  pair: readonly [string, string],
): Promise<void> {
  const { mtu } = clusterset.plan;
  const [one, other] = [clusterset.cluster(pair[0]), clusterset.cluster(pair[1])];
  await runCommands([...tunnels(one, other, mtu), ...tunnels(other, one, mtu)]);
  await writeObjects(one, other.plan.id);
  await writeObjects(other, one.plan.id);
}

async function writeObjects({ kube, plan }: NetCluster, peer: string): Promise<void> {
  for (const [resource, object] of ciliumMesh({ name: plan.id, id: plan.number }, [peer])) {
    const made = await kube.create(resource, object, { signal: AbortSignal.timeout(10_000) });
    if (!made.ok) throw new Error(`${plan.id}: ${resource.kind}: ${made.error.message}`);
  }
}

/** A device on each node of `cluster`, and from there a route to the pods of each node of `peer`. */
function tunnels(
  { plan: { nodes } }: NetCluster,
  { plan: peer }: NetCluster,
  mtu: number,
): readonly Command[] {
  return nodes.flatMap((node) => {
    const ip = `ip -n ${node.namespace}`;
    return [
      `${ip} link add ${DEVICE} address ${macOf(node)} mtu ${mtu - OVERHEAD_BYTES} type vxlan id 2 dstport 8472 local ${node.addresses[0]} nolearning`,
      `${ip} addr add ${insideOf(node)}/16 dev ${DEVICE}`,
      `${ip} link set ${DEVICE} up`,
      ...peer.nodes.flatMap((hop) => [
        `bridge -n ${node.namespace} fdb append ${macOf(hop)} dev ${DEVICE} dst ${hop.addresses[0]}`,
        `${ip} neigh replace ${insideOf(hop)} lladdr ${macOf(hop)} dev ${DEVICE} nud permanent`,
        `${ip} route add ${hop.podCidrs[0]} via ${insideOf(hop)} dev ${DEVICE}`,
      ]),
      // As between pods of one cluster: a mesh shows them as what they are.
      `ip netns exec ${node.namespace} nft insert rule inet cni postrouting ip daddr ${peer.podCidrs[0]} accept`,
    ];
  });
}

/** Cluster and node are the last two numbers of a node's address. */
function numbersOf({ addresses: [address = ""] }: NodePlan): readonly [string, string] {
  const [, , cluster = "", node = ""] = address.split(".");
  return [cluster, node];
}

function insideOf(node: NodePlan): string {
  return `10.252.${numbersOf(node).join(".")}`;
}

function macOf(node: NodePlan): string {
  const [cluster, number] = numbersOf(node);
  return `02:63:69:00:0${cluster}:0${number}`;
}
