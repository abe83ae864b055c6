import type { Command } from "../../sandbox/network/netns/net-commands.ts";
import type { ClusterPlan, NodePlan } from "../../sandbox/network/netns/net-plan.ts";
import { mustRunIn, runCommands } from "../../sandbox/network/netns/run-commands.ts";
import type { HandmadeVxlan } from "./handmade-vxlan.ts";

const PORT = 51_820;
/** A session that nobody uses is gone after three minutes, and what builds the other paths may take as long. */
const KEEPALIVE_S = 5;
/** Of WireGuard over IPv4: IP 20, UDP 8, header 16, tag 16. */
const OVERHEAD_BYTES = 60;

/**
 * WireGuard as somebody would set it up by hand, for `HandmadeVxlan.between`: a device on each gateway, with every gateway of the other
 * cluster as a peer. By `wireguard-go`, whatever the kernel has, as what it is compared with here.
 */
export async function buildHandmadeWireguard(
  [one, other]: readonly [ClusterPlan, ClusterPlan],
  gateways: number,
  mtu: number,
): Promise<NonNullable<HandmadeVxlan["between"]>> {
  const sides = [one, other].map((cluster) => cluster.nodes.slice(0, gateways));
  const keys = new Map<NodePlan, { readonly own: string; readonly told: string }>();
  for (const node of sides.flat()) {
    const own = (await mustRunIn(node.namespace, ["wg", "genkey"])).trim();
    const told = (await mustRunIn(node.namespace, ["wg", "pubkey"], own)).trim();
    keys.set(node, { own, told });
  }
  const commands = sides.flatMap((side, index) =>
    side.flatMap((node): readonly Command[] => [
      ...device(node, keys.get(node)?.own ?? "", mtu - OVERHEAD_BYTES),
      ...(sides[1 - index] ?? []).map(
        (peer) =>
          `ip netns exec ${node.namespace} wg set ${nameOf(node)} peer ${keys.get(peer)?.told} endpoint ${peer.addresses[0]}:${PORT} allowed-ips ${addressOf(peer)}/32 persistent-keepalive ${KEEPALIVE_S}`,
      ),
    ]),
  );
  await runCommands(commands);
  // A session begins with a handshake, which a lost packet delays by five seconds: not while it is measured.
  for (const node of sides[0] ?? []) {
    for (const peer of sides[1] ?? []) {
      await mustRunIn(node.namespace, ["ping", "-c", "1", "-w", "20", addressOf(peer)]);
    }
  }
  return { addressOf, mtu: mtu - OVERHEAD_BYTES };
}

function device(node: NodePlan, key: string, mtu: number): readonly Command[] {
  const inside = `ip netns exec ${node.namespace}`;
  const name = nameOf(node);
  return [
    `${inside} wireguard-go ${name} </dev/null >/dev/null 2>&1`,
    // wg reads a file or a pipe, and no socket.
    `printf '[Interface]\nPrivateKey = ${key}\nListenPort = ${PORT}\n' | ${inside} sh -c 'cat | wg setconf ${name} /dev/stdin'`,
    `ip -n ${node.namespace} addr add ${addressOf(node)}/16 dev ${name}`,
    `ip -n ${node.namespace} link set ${name} mtu ${mtu} up`,
  ];
}

/** Its control socket has the device's name, in a folder that all namespaces share. */
function nameOf(node: NodePlan): string {
  const [cluster, number] = placeOf(node);
  return `hm-wg-${cluster}-${number}`;
}

function addressOf(node: NodePlan): string {
  const [cluster, number] = placeOf(node);
  return `10.252.${cluster}.${number}`;
}

/** Cluster and node are the last two numbers of the node's own address. */
function placeOf({ addresses: [address = ""] }: NodePlan): readonly [string, string] {
  const [, , cluster = "", number = ""] = address.split(".");
  return [cluster, number];
}
