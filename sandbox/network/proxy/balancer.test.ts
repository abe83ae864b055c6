import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Balancer } from "./balancer.ts";
import type { ForwardedPort } from "./forwarding-table.ts";

function aPort(ips: readonly string[], affinityTimeoutMs?: number): ForwardedPort {
  return {
    key: "TCP 10.96.0.10 80",
    name: "shop/web:",
    endpoints: ips.map((ip) => ({ ip, port: 80 })),
    ...(affinityTimeoutMs === undefined ? {} : { affinityTimeoutMs }),
  };
}

test("without affinity every endpoint gets its turn", () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 20 }), fc.integer({ min: 1, max: 5 }), (size, rounds) => {
      const ips = Array.from({ length: size }, (_, i) => `10.1.0.${i}`);
      const balancer = new Balancer();
      const counts = new Map<string, number>();
      for (let i = 0; i < size * rounds; i++) {
        const ip = balancer.pick(aPort(ips), "10.1.0.250", 0)?.ip ?? "none";
        counts.set(ip, (counts.get(ip) ?? 0) + 1);
      }
      expect([...counts]).toEqual(ips.map((ip) => [ip, rounds]));
    }),
  );
});

test("no endpoint, no pick, with and without affinity", () => {
  expect(new Balancer().pick(aPort([]), "c", 0)).toBeUndefined();
  expect(new Balancer().pick(aPort([], 1000), "c", 0)).toBeUndefined();
});

describe("ClientIP affinity", () => {
  const three = ["10.1.0.1", "10.1.0.2", "10.1.0.3"];

  test("one client stays, different clients spread", () => {
    const balancer = new Balancer();
    const first = ["a", "b", "c"].map((client) => balancer.pick(aPort(three, 1000), client, 0)?.ip);
    expect(first).toEqual(three);
    const again = ["a", "b", "c"].map(
      (client) => balancer.pick(aPort(three, 1000), client, 999)?.ip,
    );
    expect(again).toEqual(three);
  });

  test("each connection renews it; silence for the timeout ends it", () => {
    const balancer = new Balancer();
    const pick = (nowMs: number): string | undefined =>
      balancer.pick(aPort(three, 1000), "a", nowMs)?.ip;
    expect([pick(0), pick(900), pick(1800)]).toEqual(["10.1.0.1", "10.1.0.1", "10.1.0.1"]);
    expect(pick(2800)).toBe("10.1.0.2");
  });

  test("an endpoint that leaves gives its clients away; the others keep theirs", () => {
    const balancer = new Balancer();
    balancer.pick(aPort(three, 1000), "a", 0);
    balancer.pick(aPort(three, 1000), "b", 0);
    const rest = aPort(["10.1.0.2", "10.1.0.3"], 1000);
    expect(balancer.pick(rest, "b", 1)?.ip).toBe("10.1.0.2");
    expect(["10.1.0.2", "10.1.0.3"]).toContain(balancer.pick(rest, "a", 1)?.ip);
  });
});
