import { describe, expect, test } from "vitest";
import { example, type Families } from "./example.fixture.ts";
import { gatewayName } from "./networks.ts";
import { NO_SLOTS, type PeerPaths, type Plan, withJudge } from "./plan.ts";
import { planGateway } from "./plan-gateway.ts";
import { DEFAULT_VXLAN_SETTINGS as settings } from "./settings.ts";

const GLOBAL = {
  ip: { own: "242.1.0.0/17", peer: "242.2.0.0/17", node: "242.1.3.0/24" },
  ip6: { own: "fd42:1::/48", peer: "fd42:2::/48", node: "fd42:1:0:3::/64" },
} as const;
const FAMILIES: Readonly<Record<Families, readonly (keyof typeof GLOBAL)[]>> = {
  v4: ["ip"],
  v6: ["ip6"],
  dual: ["ip", "ip6"],
};

function planOf(
  families: Families,
  options: {
    readonly nodes?: number;
    readonly gateways?: number;
    readonly change?: Partial<PeerPaths>;
  } = {},
): Plan {
  const { nodes = 3, gateways = 2, change = {} } = options;
  const own = example(1, families, { nodes, gateways: 2 });
  const other = example(2, families, { nodes: 2, gateways });
  const through = other.gatewayNames.map((node) => gatewayName(other.cluster, node));
  const plan = planGateway({
    network: own.own,
    node: "node-1",
    peers: [{ ...other.peer, through, ...change }],
    outer: { local: own.facts[0]?.internalIps ?? [], mtu: 1_500 },
    slots: NO_SLOTS,
    settings,
  });
  if (plan === undefined) throw new Error("a gateway has a plan");
  return plan;
}

function rulesOf(plan: Plan, name: string): readonly string[] {
  const [, rest = ""] = (plan.shortcut?.body ?? "").split(`chain ${name} {\n`);
  const [rules = ""] = rest.split("\n}");
  return rules
    .split("\n")
    .map((rule) => rule.trim())
    .filter((rule) => rule !== "");
}

describe.each<Families>(["v4", "v6", "dual"])("the shortcut, %s", (families) => {
  test("takes nothing but whole segments that open nothing, from addresses that may send, by the filter's sets", () => {
    const plan = planOf(families);
    for (const family of FAMILIES[families]) {
      const digit = family === "ip6" ? "6" : "4";
      for (const [name, senders, asked, answering, way] of [
        ["from_nodes", GLOBAL[family].own, "imported", "exported", "to_peers"],
        ["from_peers", GLOBAL[family].peer, "exported", "imported", "to_nodes"],
      ] as const) {
        const rules = rulesOf(plan, `${name}_${family}`);
        expect(rules).toHaveLength(2);
        for (const rule of rules) {
          expect(rule).toContain(family === "ip" ? "ip protocol tcp" : "ip6 nexthdr tcp");
          if (family === "ip") expect(rule).toContain("ip frag-off & 0x3fff == 0");
          expect(rule).toContain("tcp flags & syn == 0");
          expect(rule).toContain(`${family} saddr { ${senders} }`);
          expect(rule).toMatch(new RegExp(`goto ${way}_${family}$`));
        }
        expect(rules[0]).toContain(`th dport @${asked}${digit} goto`);
        expect(rules[1]).toContain(`th sport @${answering}${digit} goto`);
      }
    }
  });

  test("leads to the gateways in use and to other nodes alone, and where it leads nowhere packets go on", () => {
    const plan = planOf(families);
    for (const family of FAMILIES[families]) {
      const [toPeers = "", ...more] = rulesOf(plan, `to_peers_${family}`);
      expect(more).toEqual([]);
      expect(toPeers).toContain(`${family} daddr ${GLOBAL[family].peer} fwd ${family} to jhash`);
      expect(toPeers).toContain("mod 2 seed");
      const [toNodes = ""] = rulesOf(plan, `to_nodes_${family}`);
      expect(toNodes).toContain(`${GLOBAL[family].node} : `);
      expect(toNodes).toContain('device "isth-node"');
      // Its own pods are its own business.
      expect(toNodes).not.toContain(family === "ip" ? "242.1.1.0/24" : "fd42:1:0:1::/64");
    }
    expect(plan.shortcut?.body).not.toMatch(/\bdrop\b|\breject\b/);
  });

  test("one gateway needs no choice, and none leaves nothing to take", () => {
    const one = planOf(families, { gateways: 1 });
    for (const family of FAMILIES[families]) {
      expect(rulesOf(one, `to_peers_${family}`)).toEqual([
        expect.stringMatching(`fwd ${family} to ${family} daddr map .*device "isth-wan6?"$`),
      ]);
    }
    expect(planOf(families, { change: { through: [] } }).shortcut).toBeUndefined();
    expect(planOf(families, { nodes: 1 }).shortcut).toBeUndefined();
  });

  test("what else judges packets is not passed by", () => {
    const plan = planOf(families);
    expect(plan.shortcut).toBeDefined();
    expect(withJudge(plan, { name: "judge", body: "" }).shortcut).toEqual(plan.shortcut);
    const judged = withJudge(plan, { name: "judge", body: "chain x { }" });
    expect(judged.shortcut).toBeUndefined();
    expect(judged.tables[0]?.name).toBe("judge");
  });
});
