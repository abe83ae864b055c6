import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { example, type Families } from "./example.fixture.ts";
import type { Route } from "./kernel-state.ts";
import { gatewayName, peerNetwork } from "./networks.ts";
import { NO_SLOTS, type PeerPaths, type Plan } from "./plan.ts";
import { planGateway } from "./plan-gateway.ts";
import { isNexthopOf } from "./plan-ids.ts";
import { planNode } from "./plan-node.ts";
import { isGatewayTable, isNodeAgentTable, markMask } from "./route-tables.ts";
import { DEFAULT_VXLAN_SETTINGS as settings } from "./settings.ts";
import { assignSlots } from "./slots.ts";

const own = (families: Families) => example(1, families, { nodes: 3, gateways: 2 });
const peer = (families: Families) => example(2, families, { nodes: 2, gateways: 2 });

function nodePlan(families: Families, through: readonly string[], mtu?: number): Plan {
  const plan = planNode({
    network: own(families).own,
    node: "node-3",
    peers: [{ ...peer(families).peer, through, ...(mtu !== undefined && { mtu }) }],
    outerMtu: 1_500,
    slots: NO_SLOTS,
    settings,
  });
  if (plan === undefined) throw new Error("a node with addresses has a plan");
  return plan;
}

function gatewayPlan(families: Families, change: Partial<PeerPaths> = {}): Plan {
  const { peer: network, cluster } = peer(families);
  const through = network.gateways.map(({ node }) => gatewayName(cluster, node));
  const plan = planGateway({
    network: own(families).own,
    node: "node-1",
    peers: [{ ...network, through, ...change }],
    outer: { local: own(families).facts[0]?.internalIps ?? [], mtu: 1_500 },
    slots: NO_SLOTS,
    settings,
  });
  if (plan === undefined) throw new Error("a gateway has a plan");
  return plan;
}

function to(plan: Plan, destination: string, table: number): Route | undefined {
  return plan.kernel.routes.find(
    (route) => route.destination === destination && route.table === table,
  );
}

const PEER_NETWORKS = {
  v4: ["242.2.0.0/17"],
  v6: ["fd42:2::/48"],
  dual: ["242.2.0.0/17", "fd42:2::/48"],
};

describe.each<Families>(["v4", "v6", "dual"])("a plan, %s", (families) => {
  test("a node sends what is for a peer through all gateways in use, with its own global address", () => {
    for (const network of PEER_NETWORKS[families]) {
      const plan = nodePlan(families, ["node-1", "node-2"]);
      const route = to(plan, network, 15_700);
      const id = route?.target.kind === "nexthop" ? route.target.id : 0;
      expect(plan.kernel.groups.find((group) => group.id === id)?.members).toHaveLength(2);
      expect(route?.source).toBe(network.includes(":") ? "fd42:1:ffff::3" : "242.1.255.3");
    }
  });

  test("without any gateway it says so, rather than to send global addresses to the world", () => {
    for (const network of PEER_NETWORKS[families]) {
      expect(to(nodePlan(families, []), network, 15_700)?.target.kind).toBe("unreachable");
    }
  });

  test("a dead gateway's mark leads nowhere, so that its flows are spread anew", () => {
    for (const network of PEER_NETWORKS[families]) {
      const plan = nodePlan(families, ["node-2"]);
      expect(to(plan, network, 15_711)).toBeUndefined();
      expect(to(plan, network, 15_712)).toBeDefined();
    }
  });

  test("everything in the plan is told apart from what others own", () => {
    for (const [plan, isTable, owner] of [
      [nodePlan(families, ["node-1"]), isNodeAgentTable, "node-agent"],
      [gatewayPlan(families), isGatewayTable, "gateway"],
    ] as const) {
      const { routes, rules, nexthops, groups } = plan.kernel;
      for (const { table } of [...routes, ...rules]) expect(isTable(settings, table)).toBe(true);
      for (const { id } of [...nexthops, ...groups]) {
        expect(isNexthopOf(settings, owner, id)).toBe(true);
      }
      for (const { mark } of rules) {
        if (mark === undefined) continue;
        expect(mark.mask).toBe(markMask(settings));
        expect(mark.value & ~mark.mask).toBe(0);
      }
    }
  });

  test("a gateway that reaches no gateway of the peer ends what nodes send it", () => {
    const plan = gatewayPlan(families, { through: [] });
    for (const network of PEER_NETWORKS[families]) {
      expect(to(plan, network, 15_701)).toBeUndefined();
      expect(to(plan, network, 15_702)?.target.kind).toBe("unreachable");
    }
    expect(plan.kernel.rules.some(({ fromLink }) => fromLink === "isth-node")).toBe(true);
  });

  test("a measured size is in the routes, and IPv6 is never below its least", () => {
    for (const network of PEER_NETWORKS[families]) {
      expect(to(nodePlan(families, ["node-1"], 1_300), network, 15_700)?.mtu).toBe(1_300);
      const least = network.includes(":") ? 1_280 : 1_200;
      expect(to(nodePlan(families, ["node-1"], 1_200), network, 15_700)?.mtu).toBe(least);
    }
  });

  test("routes have a size though none is measured, or a larger one than the device's: one without takes that of the one before", () => {
    for (const mtu of [undefined, 9_000]) {
      const { kernel } = nodePlan(families, ["node-1"], mtu);
      const device = kernel.links[0]?.mtu;
      const sizes = kernel.routes
        .filter(({ destination }) => PEER_NETWORKS[families].includes(destination))
        .map((route) => route.mtu);
      expect(device).toBeDefined();
      expect(new Set(sizes)).toEqual(new Set([device]));
    }
  });

  test("a node that nobody can send to yet moves nobody's tunnel", () => {
    const { own: network } = own(families);
    const [first] = network.nodes;
    if (first === undefined) throw new Error("no node");
    const strangers = [
      { internalIps: [], globalAddresses: ["242.1.255.9"] },
      { internalIps: ["fd20:1::9"], globalAddresses: [] },
      { internalIps: ["172.20.1.9"], globalAddresses: [] },
      // Of a family that others do not have.
      { internalIps: families === "v4" ? ["fd20:1::9"] : [], globalAddresses: ["242.1.255.9"] },
    ];
    for (const stranger of strangers) {
      const nodes = [...network.nodes, { ...first, name: "node-9", podCidrs: [], ...stranger }];
      const plan = planNode({
        network: { ...network, nodes },
        node: "node-3",
        peers: [],
        outerMtu: 1_500,
        slots: NO_SLOTS,
        settings,
      });
      expect(plan?.kernel.links).toEqual(nodePlan(families, []).kernel.links);
    }
  });

  test("the same knowledge makes the same plan, and its slots keep it so", () => {
    const first = nodePlan(families, ["node-1", "node-2"]);
    expect(nodePlan(families, ["node-1", "node-2"])).toEqual(first);
  });
});

describe("what may pass", () => {
  test("every path through the filter ends in a verdict of its own: nothing passes for want of a rule", () => {
    const [filter] = gatewayPlan("dual").tables;
    const body = filter?.body ?? "";
    const lastRule = (name: string) =>
      body.split(`chain ${name} {`)[1]?.split("\n}")[0]?.trim().split("\n").at(-1)?.trim();
    expect(lastRule("from_tunnel")).toBe("counter name denied_in drop");
    expect(lastRule("to_tunnel")).toBe("jump refuse");
    expect(lastRule("own_to_tunnel")).toBe("jump refuse");
    expect(lastRule("refuse")).toBe("reject with icmpx admin-prohibited");
  });

  test("texts of a peer that are no addresses do not reach a rule or a route", () => {
    const evil = '10.0.0.0/8 accept; } table inet x { chain "';
    const network = peerNetwork(peer("v4").cluster, {
      ...peer("v4").networkFacts,
      globalPrefixes: [{ cidr: "10.0.0.0/17", global: evil }],
      nodePrefixes: [evil, "242.2.255.0/24"],
      gateways: [{ node: evil, endpoints: [evil], port: 4_798, tunnelAddresses: [evil] }],
    });
    expect(network.prefixes).toEqual(["242.2.255.0/24"]);
    const text = JSON.stringify(gatewayPlan("v4", { ...network, through: [] }));
    expect(text).not.toContain("accept; }");
  });
});

describe("slots", () => {
  const names = fc.uniqueArray(fc.stringMatching(/^[a-z]{1,3}$/), { maxLength: 12 });
  test("each name has its own, keeps it, and none lies outside", () => {
    fc.assert(
      fc.property(names, names, (before, after) => {
        const range = { first: 1, last: 8 };
        const first = assignSlots(before, new Map(), range);
        const second = assignSlots(after, first, range);
        expect(new Set(second.values()).size).toBe(second.size);
        expect(second.size).toBe(Math.min(after.length, 8));
        for (const [name, slot] of second) {
          expect(slot).toBeGreaterThanOrEqual(1);
          expect(slot).toBeLessThanOrEqual(8);
          if (first.has(name)) expect(slot).toBe(first.get(name));
        }
      }),
    );
  });
});
