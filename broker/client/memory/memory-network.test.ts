import { describe, expect, test } from "vitest";
import { NETWORK_ROW_KEY, type NetworkRow } from "../../../api/broker/row.ts";
import { ok } from "../../../api/result.ts";
import { serviceKey } from "../../../api/service-key.ts";
import { VirtualClock } from "../../../runtime/clock/virtual-clock.ts";
import { seededRandom } from "../../../runtime/random/seeded-random.ts";
import type { GlobalBlock, GlobalNeed } from "../../globals/global-block.ts";
import { testCluster } from "../../wire/row-arbitrary.ts";
import { aNetworkRow, anExportRow } from "../../wire/test-rows.ts";
import type { LinkEvent } from "../broker-link.ts";
import type { MemberLink } from "../member-link.ts";
import { MemoryBroker } from "./memory-broker.ts";

const A = testCluster("a");
const B = testCluster("b");
const C = testCluster("c");
const NEED: GlobalNeed = { podCidrs: ["10.1.0.0/16"], fixed: [] };
const BLOCK: GlobalBlock = {
  prefixes: [{ cidr: "10.1.0.0/16", global: "242.7.0.0/16" }],
  nodePrefixes: ["242.8.0.0/24"],
  problem: "",
};

class World {
  readonly clock = new VirtualClock();
  readonly asked: (readonly [string, GlobalNeed])[] = [];
  block = BLOCK;
  readonly broker = new MemoryBroker(
    {
      hubs: 2,
      globals: {
        allocate: (cluster, need) => {
          this.asked.push([cluster, need]);
          return Promise.resolve(ok(this.block));
        },
      },
    },
    { clock: this.clock, random: seededRandom(1) },
  );

  async member(cluster = A, hasNetwork = true): Promise<MemberLink & { stop(): void }> {
    const link = this.broker.link(cluster, 1, [], hasNetwork);
    const stop = new AbortController();
    link.setNamespaces(new Set(["shop"]));
    link.start(stop.signal);
    await this.clock.advance(1000);
    return Object.assign(link, { stop: () => stop.abort() });
  }
}

function facts(change: Partial<NetworkRow> = {}): Omit<NetworkRow, "kind" | "cluster"> {
  const { kind: _kind, cluster: _cluster, ...rest } = aNetworkRow(change);
  return rest;
}

describe("network rows", () => {
  test("reach every member that takes part, whatever namespaces it wants, and no other; they change and go", async () => {
    const world = new World();
    const [a, b, c] = [await world.member(A), await world.member(B), await world.member(C, false)];
    const heard: LinkEvent[] = [];
    b.subscribe((event) => heard.push(event));
    const heardByC: LinkEvent[] = [];
    c.subscribe((event) => heardByC.push(event));
    b.setNamespaces(new Set());
    a.setOwnNetwork(facts());
    a.setOwnRows(serviceKey("shop", "web"), [anExportRow({ cluster: A })]);
    for (const link of [a, b, c]) link.markOwnComplete();
    await world.clock.advance(1000);
    expect([...b.networks().values()]).toEqual([aNetworkRow({ cluster: A })]);
    expect([...b.foreignServices()]).toEqual([]);
    expect([...c.networks()]).toEqual([]);
    expect([...c.foreignServices()]).toEqual([serviceKey("shop", "web")]);
    expect(heard).toContainEqual({ kind: "networks-changed" });
    expect(heardByC).not.toContainEqual({ kind: "networks-changed" });
    a.setOwnNetwork(facts({ backends: ["vxlan"] }));
    await world.clock.advance(1000);
    expect([...b.networks().values()]).toEqual([aNetworkRow({ cluster: A, backends: ["vxlan"] })]);
    a.setOwnNetwork(undefined);
    await world.clock.advance(1000);
    expect([...b.networks()]).toEqual([]);
  });

  test("stay through disconnections (I7), and nothing is written again in an unchanged world (I9)", async () => {
    const world = new World();
    const [a, b] = [await world.member(A), await world.member(B)];
    a.setOwnNetwork(facts());
    a.markOwnComplete();
    b.markOwnComplete();
    await world.clock.advance(1000);
    const sequence = world.broker.store.table.owner(A)?.sequence;
    const heard: LinkEvent[] = [];
    b.subscribe((event) => heard.push(event));
    for (const replica of [0, 1]) {
      world.broker.stop(replica);
      await world.clock.advance(30_000);
      expect([...b.networks().keys()]).toEqual([A]);
      world.broker.start(replica);
    }
    await world.clock.advance(30_000);
    expect(world.broker.store.table.owner(A)?.sequence).toBe(sequence);
    expect(heard).not.toContainEqual({ kind: "networks-changed" });
    expect(b.hasSynced()).toBe(true);
  });

  test("a process that starts anew withdraws nothing before it knows its network (I6); one that takes part no longer does", async () => {
    const world = new World();
    const [first, b] = [await world.member(A), await world.member(B)];
    first.setOwnNetwork(facts());
    first.markOwnComplete();
    b.markOwnComplete();
    await world.clock.advance(1000);
    first.stop();
    const second = await world.member(A);
    second.markOwnComplete();
    await world.clock.advance(10_000);
    expect([...b.networks().keys()]).toEqual([A]);
    second.stop();
    const third = await world.member(A, false);
    third.markOwnComplete();
    await world.clock.advance(10_000);
    expect([...b.networks().keys()]).toEqual([]);
  });

  test("a cluster that left takes its network along", async () => {
    const world = new World();
    const [a, b] = [await world.member(A), await world.member(B)];
    a.setOwnNetwork(facts());
    a.markOwnComplete();
    b.markOwnComplete();
    await world.clock.advance(1000);
    a.stop();
    await world.broker.store.removeMember(A);
    await world.clock.advance(1000);
    expect([...b.networks()]).toEqual([]);
  });
});

describe("global addresses", () => {
  test("are asked for in Hello, again when the need changes, and told of", async () => {
    const world = new World();
    const a = await world.member(A);
    expect([a.globalBlock(), world.asked]).toEqual([undefined, []]);
    const heard: LinkEvent[] = [];
    a.subscribe((event) => heard.push(event));
    a.setGlobalNeed(NEED);
    await world.clock.advance(1000);
    expect([a.globalBlock(), world.asked]).toEqual([BLOCK, [["a", NEED]]]);
    expect(heard).toContainEqual({ kind: "networks-changed" });
    a.setGlobalNeed({ ...NEED });
    await world.clock.advance(1000);
    expect(world.asked).toHaveLength(1);
    a.setGlobalNeed({ ...NEED, podCidrs: ["10.2.0.0/16"] });
    await world.clock.advance(1000);
    expect(world.asked).toHaveLength(2);
  });

  test.each([
    [{ globalPrefixes: [{ cidr: "10.1.0.0/16", global: "242.9.0.0/16" }] }, /242\.9\.0\.0\/16/],
    [{ nodePrefixes: ["242.9.0.0/24"] }, /242\.9\.0\.0\/24/],
    [{ nodePrefixes: ["242.8.0.0/23"] }, /242\.8\.0\.0\/23/],
  ])("of others are refused in a network row: %j", async (claim, reason) => {
    const world = new World();
    const [a, b] = [await world.member(A), await world.member(B)];
    a.setGlobalNeed(NEED);
    await world.clock.advance(1000);
    const good = facts({ globalPrefixes: BLOCK.prefixes, nodePrefixes: BLOCK.nodePrefixes });
    a.setOwnNetwork(good);
    a.markOwnComplete();
    await world.clock.advance(1000);
    expect(b.networks().get(A)).toMatchObject(good);
    a.setOwnNetwork(facts(claim));
    await world.clock.advance(1000);
    expect(a.refusal(NETWORK_ROW_KEY)).toMatch(reason);
    // The old row would be as wrong: it says something that its owner takes back.
    expect([...b.networks()]).toEqual([]);
  });
});
