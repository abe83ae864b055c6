import { describe, expect, test } from "vitest";
import { containsAddress, parseCidr } from "../../../api/network/cidr.ts";
import { parseIpAddress } from "../../../api/network/ip-address.ts";
import { buildPod, buildRoom } from "./net-commands.ts";
import { faultRules } from "./net-faults.ts";
import { type NetShape, planHarnessPod, planNetwork } from "./net-plan.ts";

const DUAL: NetShape = {
  clusters: ["a", "b", "c"],
  families: ["IPv4", "IPv6"],
  nodesPerCluster: 3,
};

function isIn(cidr: string, address: string): boolean {
  const range = parseCidr(cidr);
  const ip = parseIpAddress(address);
  return range.ok && ip.ok && containsAddress(range.value, ip.value);
}

describe("the plan", () => {
  test("every namespace, address and link of the internet is there once", () => {
    const { clusters } = planNetwork(DUAL);
    const nodes = clusters.flatMap((cluster) => cluster.nodes);
    for (const values of [
      nodes.map(({ namespace }) => namespace),
      nodes.map(({ port }) => port),
      nodes.map(({ managementAddress }) => managementAddress),
      [...nodes, ...clusters].flatMap((it) =>
        "addresses" in it ? it.addresses : it.routerAddresses,
      ),
      nodes.flatMap(({ podCidrs }) => podCidrs),
    ]) {
      expect(new Set(values).size).toBe(values.length);
    }
  });

  test.each([false, true])(
    "what is inside lies in the CIDRs that say so; overlapping: %s",
    (overlapping) => {
      for (const cluster of planNetwork({ ...DUAL, overlapping }).clusters) {
        cluster.families.forEach((_, i) => {
          for (const node of cluster.nodes) {
            const pod = planHarnessPod(cluster, node, { name: "x", offset: 3, managed: true });
            expect(isIn(cluster.nodeCidrs[i] ?? "", node.addresses[i] ?? "")).toBe(true);
            expect(isIn(node.podCidrs[i] ?? "", pod.addresses[i] ?? "")).toBe(true);
            expect(isIn(cluster.podCidrs[i] ?? "", pod.addresses[i] ?? "")).toBe(true);
          }
        });
      }
    },
  );

  test("overlapping clusters have the same inside and different nodes", () => {
    const [a, b] = planNetwork({ clusters: ["a", "b"], overlapping: true }).clusters;
    expect([a?.podCidrs, a?.serviceCidrs]).toEqual([b?.podCidrs, b?.serviceCidrs]);
    expect(a?.nodeCidrs).not.toEqual(b?.nodeCidrs);
  });
});

describe("commands", () => {
  test("names of links hold at most 15 characters", () => {
    const plan = planNetwork(DUAL);
    const [cluster] = plan.clusters;
    const [node] = cluster?.nodes ?? [];
    if (cluster === undefined || node === undefined) throw new Error("no node");
    const pod = planHarnessPod(cluster, node, { name: "controllers", offset: 2, managed: true });
    const names = [...buildRoom(plan), ...buildPod(pod, 1500)].flatMap(
      (command) => / link add (\S+)/.exec(command)?.[1] ?? [],
    );
    expect(names.length).toBeGreaterThan(10);
    expect(names.filter((name) => name.length > 15)).toEqual([]);
  });

  test("pod addresses are routed on the internet for the pairs that share an underlay", () => {
    const text = buildRoom(planNetwork({ clusters: ["a", "b", "c"], underlay: [["a", "b"]] })).join(
      "\n",
    );
    expect(text).toContain("ip -n internet route add 10.1.1.0/24 via 172.20.1.1");
    expect(text).toContain("ip saddr 10.1.0.0/16 ip daddr 10.2.0.0/16 accept");
    expect(text).not.toContain("internet route add 10.3.");
    expect(text).not.toContain("10.3.0.0/16 accept");
  });

  test("an underlay of a cluster that is not there is refused", () => {
    const plan = planNetwork({ clusters: ["a"], underlay: [["a", "z"]] });
    expect(() => buildRoom(plan)).toThrow("no cluster z");
  });
});

describe("faults", () => {
  const [a, b] = planNetwork(DUAL).clusters;
  const [node] = a?.nodes ?? [];
  if (node === undefined || b === undefined) throw new Error("no node");

  test("none: what was there is taken away", () => {
    expect(faultRules([])).toBe("table netdev faults\ndelete table netdev faults\n");
  });

  test("from a node to a cluster, all or by chance, in each family", () => {
    const rules = faultRules([{ from: node, to: [b], percent: 5 }, { from: node }]);
    expect(rules).toContain('type filter hook ingress device "p-1-1" priority 0;');
    expect(rules).toContain("ip daddr 172.20.2.0/24 numgen random mod 100 < 5 drop");
    expect(rules).toContain("ip6 daddr fd10:2::/48 numgen random mod 100 < 5 drop");
    expect(rules).toMatch(/^ +drop$/m);
  });
});
