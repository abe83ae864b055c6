import { expect, test } from "vitest";
import {
  parseAddresses,
  parseForwarding,
  parseLinks,
  parseNeighbours,
  parseNexthops,
  parseRoutes,
  parseRules,
} from "./parse-kernel-state.ts";

const all = () => true;

test("links: ours by name; one that is down, learns or is no VXLAN is to be made anew", () => {
  const link = (ifname: string, flags: readonly string[], kind: string, learning: boolean) => ({
    ifname,
    mtu: 1_450,
    address: "02:00:00:00:00:01",
    flags,
    linkinfo: {
      info_kind: kind,
      info_data: { id: 5_489, local: "192.0.2.1", port: 4_798, learning, df: "set" },
    },
  });
  const text = JSON.stringify([
    link("isth-wan", ["UP"], "vxlan", false),
    link("a", [], "vxlan", false),
    link("b", ["UP"], "vxlan", true),
    link("c", ["UP"], "dummy", false),
    link("eth0", ["UP"], "vxlan", false),
    {},
  ]);
  const links = parseLinks(text, ["isth-wan", "a", "b", "c"]);
  expect(links).toMatchObject({
    ok: true,
    value: [
      { name: "isth-wan", vni: 5_489, port: 4_798, local: "192.0.2.1", dontFragment: true },
      { name: "a", vni: -1 },
      { name: "b", vni: -1 },
      { name: "c", vni: -1 },
    ],
  });
});

test("addresses, neighbours and forwarding entries: only what was set", () => {
  const addresses = JSON.stringify([
    {
      ifname: "isth-node",
      addr_info: [
        { local: "242.1.255.1", prefixlen: 32 },
        { local: "fd42:1::1", prefixlen: 128 },
        // Somebody else's, or the kernel's own: told by its length, without which it cannot be removed.
        { local: "10.9.9.1", prefixlen: 24 },
        { local: "fe80::8b0:b8ff:fe5c:6ae9", prefixlen: 64 },
      ],
    },
    { ifname: "eth0", addr_info: [{ local: "192.0.2.1", prefixlen: 24 }] },
  ]);
  expect(parseAddresses(addresses, ["isth-node"])).toEqual({
    ok: true,
    value: ["242.1.255.1", "fd42:1::1", "10.9.9.1/24", "fe80::8b0:b8ff:fe5c:6ae9/64"].map(
      (address) => ({ link: "isth-node", address }),
    ),
  });
  const neighbours = JSON.stringify([
    { dst: "242.1.255.2", lladdr: "02:00:00:00:00:02", state: ["PERMANENT"] },
    { dst: "242.1.255.3", lladdr: "02:00:00:00:00:03", state: ["STALE"] },
    { dst: "ff02::1", state: ["NOARP"] },
  ]);
  expect(parseNeighbours(neighbours, "isth-node")).toEqual({
    ok: true,
    value: [{ link: "isth-node", address: "242.1.255.2", mac: "02:00:00:00:00:02" }],
  });
  const forwarding = JSON.stringify([
    { mac: "02:00:00:00:00:02", dst: "192.0.2.2", port: 4_799 },
    { mac: "33:33:00:00:00:01" },
  ]);
  expect(parseForwarding(forwarding, "isth-wan")).toEqual({
    ok: true,
    value: [{ link: "isth-wan", mac: "02:00:00:00:00:02", remote: "192.0.2.2", port: 4_799 }],
  });
});

test("nexthops and their groups, those of our numbers alone", () => {
  const text = JSON.stringify([
    { id: 15_700_001, gateway: "242.1.255.2", dev: "isth-node" },
    { id: 15_700_002, group: [{ id: 15_700_001 }] },
    { id: 7, gateway: "192.0.2.9", dev: "eth0" },
  ]);
  expect(parseNexthops(text, (id) => id > 15_700_000)).toEqual({
    ok: true,
    value: {
      nexthops: [{ id: 15_700_001, link: "isth-node", via: "242.1.255.2" }],
      groups: [{ id: 15_700_002, members: [15_700_001] }],
    },
  });
});

test("routes of our tables: hosts and defaults have a length; what we never set is to be replaced", () => {
  const text = JSON.stringify([
    {
      dst: "242.2.0.0/16",
      table: "15700",
      nhid: 5,
      prefsrc: "242.1.255.1",
      metrics: [{ mtu: 1_400 }],
    },
    { dst: "242.2.0.1", table: "15700", dev: "isth-node" },
    { dst: "default", table: "15701", type: "unreachable" },
    { dst: "10.0.0.0/8", table: "15700" },
    { dst: "default", dev: "eth0" },
  ]);
  expect(parseRoutes(text, "IPv4", (table) => table >= 15_700)).toEqual({
    ok: true,
    value: [
      {
        table: 15_700,
        destination: "242.2.0.0/16",
        target: { kind: "nexthop", id: 5 },
        source: "242.1.255.1",
        mtu: 1_400,
      },
      { table: 15_700, destination: "242.2.0.1/32", target: { kind: "link", name: "isth-node" } },
      { table: 15_701, destination: "0.0.0.0/0", target: { kind: "unreachable" } },
      { table: 15_700, destination: "10.0.0.0/8", target: { kind: "nexthop", id: -1 } },
    ],
  });
});

test("rules that lead to our tables, with marks as numbers", () => {
  const text = JSON.stringify([
    { priority: 0, src: "all", table: "local" },
    {
      priority: 1_570,
      src: "all",
      fwmark: "0x1",
      fwmask: "0x7f",
      table: "15701",
      iif: "isth-node",
    },
    { priority: 1_573, src: "all", table: "15700" },
  ]);
  expect(parseRules(text, "IPv6", (table) => table >= 15_700)).toEqual({
    ok: true,
    value: [
      {
        family: "IPv6",
        priority: 1_570,
        table: 15_701,
        mark: { value: 1, mask: 127 },
        fromLink: "isth-node",
      },
      { family: "IPv6", priority: 1_573, table: 15_700 },
    ],
  });
});

test.each(["", "  \n", "[]", "[{}]"])("%j is an empty list", (text) => {
  expect(parseRoutes(text, "IPv4", all)).toEqual({ ok: true, value: [] });
});

test.each(["Error: ipv4", '{"dst": 1}', '[{"dst": 1}]'])(
  "%j is refused with what was read",
  (text) => {
    const parsed = parseRoutes(text, "IPv4", all);
    expect(parsed.ok ? "" : parsed.error).toContain("cannot read routes");
  },
);
