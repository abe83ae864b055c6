import { expect, test } from "vitest";
import { gatewayOwnership, nodeAgentOwnership } from "../ownership.ts";
import { DEFAULT_VXLAN_SETTINGS } from "../plan/settings.ts";
import { KernelNews } from "./kernel-news.ts";
import type { Ownership } from "./read-kernel-state.ts";

const NODE_AGENT = nodeAgentOwnership(DEFAULT_VXLAN_SETTINGS);
const GATEWAY = gatewayOwnership(DEFAULT_VXLAN_SETTINGS);

function link(name: string, mtu: number): string {
  const address = "\\    link/ether 1e:a2:50:58:3a:11 brd ff:ff:ff:ff:ff:ff";
  return `2: ${name}: <BROADCAST,MULTICAST,UP,LOWER_UP> mtu ${mtu} qdisc noqueue state UP group default ${address}`;
}

// As iproute2 6.1 and nft 1.0.6 say it.
test.each<[who: "node agent" | "gateway" | "nobody", line: string]>([
  ["node agent", "delete table inet isthmus_node"],
  ["gateway", "delete table inet isthmus_gateway"],
  ["gateway", "delete table netdev isthmus_shortcut"],
  ["nobody", "delete table ip isthmus_node"],
  ["nobody", "delete table inet firewalld"],
  ["nobody", "# new generation 12 by process 4711 (nft)"],
  ["node agent", "Deleted 1573:\tfrom all lookup 15700 "],
  ["gateway", "1571:\tfrom all lookup 15701 "],
  ["nobody", "Deleted 32766:\tfrom all lookup main "],
  ["nobody", "Deleted 9:\tfrom all fwmark 0x200/0xf00 lookup 2004 "],
  [
    "node agent",
    "Deleted 242.2.0.0/16 nhid 15710000 via 242.1.2.2 dev isth-node table 15700 src 242.1.2.1 onlink mtu 1450 ",
  ],
  ["node agent", "unreachable 242.1.0.0/24 table 15700 "],
  ["gateway", "Deleted 242.0.0.0/16 nhid 15800002 table 15701 src 242.1.2.1 mtu 1280 "],
  ["nobody", "Deleted 10.1.2.0/24 via 172.20.1.2 dev eth0 proto kernel "],
  ["nobody", "local 10.0.0.1 dev eth0 table local proto kernel scope host src 10.0.0.1 "],
  ["node agent", "Deleted id 15700002 via 242.1.2.2 dev isth-node scope link onlink "],
  ["gateway", "Deleted id 15800002 group 15750066/15750064 type resilient buckets 256 "],
  ["nobody", "Deleted id 7 via 10.0.0.1 dev eth0 scope link "],
  ["node agent", "Deleted 7: isth-node    inet 242.1.2.1/32 scope global isth-node"],
  ["gateway", `Deleted ${link("isth-wan", 1_450)}`],
  ["gateway", link("isth-wan6", 1_430)],
  ["gateway", `Deleted ${link("isth-wg-1", 1_420)}`],
  ["nobody", link("isth-other", 1_450)],
  ["nobody", "3: eth0    inet6 fe80::1/64 scope link "],
  ["nobody", ""],
])("of %s: %s", (who, line) => {
  const tells = (ours: Ownership): boolean => new KernelNews(ours).isNews(line);
  expect([tells(NODE_AGENT), tells(GATEWAY)]).toEqual([who === "node agent", who === "gateway"]);
});

test("of other links, a size that changes is news; one that comes, goes or changes otherwise is none", () => {
  const news = new KernelNews(NODE_AGENT);
  news.begin(new Map([["eth0", 1_500]]));
  const told = [
    link("eth0@if9", 1_500),
    link("eth0@if9", 1_400),
    link("eth0@if9", 1_400),
    link("veth1@if2", 1_500),
    link("veth1@if2", 1_500),
    `Deleted ${link("veth1@if2", 1_500)}`,
    link("veth1@if2", 9_000),
    link("eth0@if9", 9_000),
  ].map((line) => news.isNews(line));
  expect(told).toEqual([false, true, false, false, false, false, false, true]);
});
