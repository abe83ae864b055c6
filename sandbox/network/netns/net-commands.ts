import type { IpFamily } from "../../../api/kube/service.ts";
import { OUTSIDE } from "./enter-room.ts";
import {
  type ClusterPlan,
  INTERNET,
  MANAGEMENT,
  type NetPlan,
  type NodePlan,
  POD_GATEWAYS,
  type PodPlan,
} from "./net-plan.ts";

/** A line of a shell script; scripts stop at the first that fails. */
export type Command = string;

/** Whatever an earlier network left in this room: its links, processes and namespaces. */
export function clearRoom(): readonly Command[] {
  return [
    // Cables first: a namespace's end goes some time after the namespace, and takes ours along then.
    "ip -o link show type veth | sed 's/^[0-9]*: //; s/[@:].*//' | xargs -r -n 1 ip link del",
    `if ip link show ${MANAGEMENT.bridge} >/dev/null 2>&1; then ip link del ${MANAGEMENT.bridge}; fi`,
    "for name in $(ls /run/netns); do",
    `  if [ "$name" != ${OUTSIDE} ]; then`,
    '    ip netns pids "$name" | xargs -r kill -KILL',
    '    ip netns del "$name"',
    "  fi",
    "done",
  ];
}

/**
 * The room's own namespace, where the management link begins, and the internet: a router with one bridge for each
 * cluster's nodes.
 */
export function buildRoom(plan: NetPlan): readonly Command[] {
  return [
    `ip link add ${MANAGEMENT.bridge} type bridge`,
    `ip addr add ${MANAGEMENT.address}/${MANAGEMENT.prefixLength} dev ${MANAGEMENT.bridge}`,
    `ip link set ${MANAGEMENT.bridge} up`,
    `ip netns add ${INTERNET}`,
    ...sysctls(INTERNET, {
      ...ROUTER,
      // Frames between nodes of one cluster are switched, never filtered.
      "net/bridge/bridge-nf-call-iptables": "0",
      "net/bridge/bridge-nf-call-ip6tables": "0",
    }),
    `ip -n ${INTERNET} link set lo up`,
    ...plan.clusters.flatMap((cluster) => [
      `ip -n ${INTERNET} link add ${cluster.bridge} mtu ${plan.mtu} type bridge`,
      `ip -n ${INTERNET} link set ${cluster.bridge} up`,
      ...cluster.routerAddresses.map(
        (address, i) =>
          `ip -n ${INTERNET} addr add ${address}/${lengthOf(cluster.nodeCidrs[i])} dev ${cluster.bridge}${nodad(address)}`,
      ),
      ...cluster.nodes.flatMap((node) => buildNode(plan, cluster, node)),
    ]),
    ...routeUnderlay(plan),
  ];
}

/** A node, plugged into its cluster's bridge, with routes to the pods of the cluster's other nodes. */
export function buildNode(plan: NetPlan, cluster: ClusterPlan, node: NodePlan): readonly Command[] {
  const { namespace, port } = node;
  const ip = `ip -n ${namespace}`;
  const others = cluster.nodes.filter((other) => other !== node);
  return [
    `ip netns add ${namespace}`,
    ...sysctls(namespace, NODE),
    `${ip} link set lo up`,
    `ip -n ${INTERNET} link add ${port} mtu ${plan.mtu} type veth peer name eth0 mtu ${plan.mtu} netns ${namespace}`,
    `ip -n ${INTERNET} link set ${port} master ${cluster.bridge} up`,
    `${ip} link set eth0 up`,
    ...node.addresses.map(
      (address, i) =>
        `${ip} addr add ${address}/${lengthOf(cluster.nodeCidrs[i])} dev eth0${nodad(address)}`,
    ),
    ...cluster.routerAddresses.map((router) => `${ip} route add default via ${router}`),
    // A pod that is not there is unreachable; its packets do not wander off to the internet.
    ...node.podCidrs.map((cidr) => `${ip} route add unreachable ${cidr}`),
    ...others.flatMap((other) =>
      other.podCidrs.map((cidr, i) => `${ip} route add ${cidr} via ${other.addresses[i]}`),
    ),
    ...masquerade(plan, cluster, node),
    ...manage(namespace, node.managementAddress),
  ];
}

/** As most CNIs do: pods are hidden behind their node from all but other pods, those of an underlay among them. */
function masquerade(plan: NetPlan, cluster: ClusterPlan, node: NodePlan): readonly Command[] {
  const neighbours = plan.clusters.filter(
    ({ id }) =>
      id === cluster.id ||
      plan.underlay.some((pair) => pair.includes(id) && pair.includes(cluster.id)),
  );
  return [
    `ip netns exec ${node.namespace} nft -f - <<'END'`,
    "table inet cni {",
    "  chain postrouting {",
    "    type nat hook postrouting priority srcnat;",
    ...cluster.podCidrs.map((cidr, i) => {
      const others = neighbours.map(({ podCidrs }) => podCidrs[i]);
      return `    ${field(cidr, "saddr")} ${cidr} ${field(cidr, "daddr")} != { ${others.join(", ")} } masquerade`;
    }),
    "  }",
    "}",
    "END",
  ];
}

/**
 * Unplugs a node and takes its namespace's name away; the namespace goes with its last process, and with it its pods' links. Its pods'
 * namespaces are the caller's.
 */
export function removeNode(node: NodePlan): readonly Command[] {
  return [
    `ip -n ${INTERNET} link del ${node.port}`,
    `ip link del ${managementPort(node.managementAddress)}`,
    `ip netns del ${node.namespace}`,
  ];
}

/** A pod behind a link of its own: its node answers for everything beyond (routed, as ptp and Calico do it). */
export function buildPod(pod: PodPlan, mtu: number): readonly Command[] {
  const { namespace, node, link } = pod;
  const inPod = `ip -n ${namespace}`;
  const onNode = `ip -n ${node.namespace}`;
  const families = new Set(pod.addresses.map(familyOf));
  return [
    `ip netns add ${namespace}`,
    ...sysctls(namespace, POD),
    `${inPod} link set lo up`,
    `${onNode} link add ${link} mtu ${mtu} type veth peer name eth0 mtu ${mtu} netns ${namespace}`,
    `${onNode} link set ${link} up`,
    `${inPod} link set eth0 up`,
    ...[...families].map((family) =>
      family === "IPv4"
        ? `${onNode} addr add ${POD_GATEWAYS.IPv4}/32 dev ${link} scope link`
        : `${onNode} addr add ${POD_GATEWAYS.IPv6}/64 dev ${link} nodad`,
    ),
    ...pod.addresses.flatMap((address) => [
      `${inPod} addr add ${address}/${hostLength(address)} dev eth0${nodad(address)}`,
      `${onNode} route add ${address}/${hostLength(address)} dev ${link}`,
    ]),
    ...[...families].flatMap((family) => {
      const gateway = POD_GATEWAYS[family];
      return family === "IPv4"
        ? [`${inPod} route add ${gateway} dev eth0`, `${inPod} route add default via ${gateway}`]
        : [`${inPod} route add default via ${gateway} dev eth0`];
    }),
    ...(pod.managementAddress === undefined ? [] : manage(namespace, pod.managementAddress)),
  ];
}

/** The node may have gone before, and the link with it. */
export function removePod(pod: PodPlan): readonly Command[] {
  return [`ip netns del ${pod.namespace}`];
}

/** Plugs a namespace into the management link, whose members cannot reach each other over it. */
function manage(namespace: string, address: string): readonly Command[] {
  const port = managementPort(address);
  return [
    `ip link add ${port} type veth peer name mgmt netns ${namespace}`,
    `ip link set ${port} master ${MANAGEMENT.bridge} up`,
    `ip link set ${port} type bridge_slave isolated on`,
    `ip -n ${namespace} addr add ${address}/${MANAGEMENT.prefixLength} dev mgmt`,
    `ip -n ${namespace} link set mgmt up`,
  ];
}

function managementPort(address: string): string {
  return `m-${address.split(".").slice(2).join("-")}`;
}

/** Pod addresses have routes on the internet only where a pair of clusters shares an underlay, and then for that pair. */
function routeUnderlay(plan: NetPlan): readonly Command[] {
  const cluster = (id: string): ClusterPlan => {
    const found = plan.clusters.find((candidate) => candidate.id === id);
    if (found === undefined) throw new Error(`underlay: no cluster ${id} in this network`);
    return found;
  };
  const pairs = plan.underlay.map(([a, b]) => [cluster(a), cluster(b)] as const);
  const routed = new Set(pairs.flat());
  const allowed = pairs.flatMap(([a, b]) => [...allow(a, b), ...allow(b, a)]);
  const inside = [...routed].flatMap(({ podCidrs }) => podCidrs);
  if (routed.size === 0) return [];
  return [
    ...[...routed].flatMap(({ nodes }) =>
      nodes.flatMap((node) =>
        node.podCidrs.map(
          (cidr, i) => `ip -n ${INTERNET} route add ${cidr} via ${node.addresses[i]}`,
        ),
      ),
    ),
    `ip netns exec ${INTERNET} nft -f - <<'END'`,
    "table inet underlay {",
    "  chain forward {",
    "    type filter hook forward priority filter;",
    ...allowed.map((rule) => `    ${rule} accept`),
    ...inside.flatMap((cidr) => [
      `    ${field(cidr, "saddr")} ${cidr} drop`,
      `    ${field(cidr, "daddr")} ${cidr} drop`,
    ]),
    "  }",
    "}",
    "END",
  ];
}

function allow(from: ClusterPlan, to: ClusterPlan): readonly string[] {
  const sources = [...from.podCidrs, ...from.nodeCidrs];
  const destinations = [...to.podCidrs, ...to.nodeCidrs];
  return sources.flatMap((source) =>
    destinations
      .filter((destination) => familyOf(destination) === familyOf(source))
      .map(
        (destination) =>
          `${field(source, "saddr")} ${source} ${field(destination, "daddr")} ${destination}`,
      ),
  );
}

const QUIET = { "net/ipv6/conf/default/accept_dad": "0", "net/ipv6/conf/all/accept_dad": "0" };
const POD = { ...QUIET, "net/ipv4/ping_group_range": "0 2147483647" };
const ROUTER = {
  ...QUIET,
  "net/ipv4/ip_forward": "1",
  "net/ipv6/conf/all/forwarding": "1",
  "net/ipv4/conf/all/rp_filter": "0",
  "net/ipv4/conf/default/rp_filter": "0",
};
/** Reverse path filtering as systemd sets it: loose. */
const NODE = {
  ...ROUTER,
  "net/ipv4/conf/all/rp_filter": "2",
  "net/ipv4/conf/default/rp_filter": "2",
};

function sysctls(namespace: string, values: Readonly<Record<string, string>>): readonly Command[] {
  const writes = Object.entries(values).map(([key, value]) => writeSysctl(key, value));
  return [`ip netns exec ${namespace} sh -ec '${writes.join("; ")}'`];
}

/** Bridge filtering is a module that need not be loaded; everything else must be there. */
function writeSysctl(key: string, value: string): string {
  const write = `echo ${value} >/proc/sys/${key}`;
  return key.startsWith("net/bridge/") ? `if [ -e /proc/sys/${key} ]; then ${write}; fi` : write;
}

export function familyOf(addressOrCidr: string): IpFamily {
  return addressOrCidr.includes(":") ? "IPv6" : "IPv4";
}

/** The nft expression for an address of this text's family. */
export function field(addressOrCidr: string, name: "saddr" | "daddr"): string {
  return `${familyOf(addressOrCidr) === "IPv6" ? "ip6" : "ip"} ${name}`;
}

/** IPv6 would wait for a second before it uses an address, to learn whether somebody else has it. */
function nodad(address: string): string {
  return address.includes(":") ? " nodad" : "";
}

function hostLength(address: string): number {
  return address.includes(":") ? 128 : 32;
}

function lengthOf(cidr: string | undefined): string {
  return cidr?.split("/")[1] ?? "";
}
