import * as fc from "fast-check";
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
import type { SavedState } from "../saved/saved-state.ts";
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

  async member(
    cluster = A,
    hasNetwork = true,
    saved?: SavedState,
  ): Promise<MemberLink & { stop(): void }> {
    const link = this.broker.link(cluster, 1, [], hasNetwork, saved);
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

describe("network rows after a restart with what the last process left", () => {
  /** A cluster with an export and a network row beside one that holds both, which then stops. */
  async function restartable(): Promise<{
    readonly world: World;
    readonly a: MemberLink & { stop(): void };
    readonly saved: SavedState;
  }> {
    const world = new World();
    const [a, b] = [await world.member(A), await world.member(B)];
    a.setOwnNetwork(facts());
    a.setOwnRows(serviceKey("shop", "web"), [anExportRow({ cluster: A })]);
    a.markOwnComplete();
    b.markOwnComplete();
    await world.clock.advance(1000);
    expect(b.networks().size).toBe(1);
    b.stop();
    const saved = b.saved();
    if (saved === undefined) throw new Error("a link that has synced has something to save");
    return { world, a, saved };
  }

  test.each<[string, (a: MemberLink, world: World) => unknown, readonly NetworkRow[]]>([
    ["unchanged", () => undefined, [aNetworkRow({ cluster: A })]],
    [
      "changed meanwhile",
      (a) => a.setOwnNetwork(facts({ backends: ["vxlan"] })),
      [aNetworkRow({ cluster: A, backends: ["vxlan"] })],
    ],
    ["withdrawn meanwhile", (a) => a.setOwnNetwork(undefined), []],
    ["of one that left meanwhile", (_, { broker }) => broker.store.removeMember(A), []],
    [
      "at a broker that lost its store",
      (_, { broker }) => broker.loseStore(),
      [aNetworkRow({ cluster: A })],
    ],
  ])("%s: as they are then, and so they stay", async (_, happens, expected) => {
    const { world, a, saved } = await restartable();
    happens(a, world);
    await world.clock.advance(30_000);
    const again = await world.member(B, true, saved);
    again.markOwnComplete();
    await world.clock.advance(10_000);
    expect([...again.networks().values()]).toEqual(expected);
    const heard: LinkEvent[] = [];
    again.subscribe((event) => heard.push(event));
    world.broker.stop();
    world.broker.start();
    await world.clock.advance(30_000);
    expect([...again.networks().values()]).toEqual(expected);
    expect(heard).not.toContainEqual({ kind: "networks-changed" });
  });

  test("an own one is not withdrawn before this process knows its network (I6), nor written again (I9)", async () => {
    const { world, a, saved } = await restartable();
    const b = await world.member(B, true, saved);
    b.markOwnComplete();
    a.stop();
    const again = await world.member(A, true, a.saved());
    again.setOwnRows(serviceKey("shop", "web"), [anExportRow({ cluster: A })]);
    again.markOwnComplete();
    await world.clock.advance(10_000);
    const sequence = world.broker.store.table.owner(A)?.sequence;
    expect([...b.networks().keys()]).toEqual([A]);
    again.setOwnNetwork(facts());
    await world.clock.advance(10_000);
    expect(world.broker.store.table.owner(A)?.sequence).toBe(sequence);
    again.setOwnNetwork(undefined);
    await world.clock.advance(10_000);
    expect([...b.networks()]).toEqual([]);
  });

  test("whatever happens in whatever order, everybody ends with what each says last", async () => {
    const step = fc.oneof(
      fc.record({ kind: fc.constant("tell" as const), who: fc.nat(1), backend: fc.nat(2) }),
      fc.record({ kind: fc.constant("restart" as const), who: fc.nat(1), isOld: fc.boolean() }),
      fc.record({ kind: fc.constant("break" as const), who: fc.nat(1) }),
      fc.constant({ kind: "replica" as const }),
      fc.constant({ kind: "lose-store" as const }),
    );
    const steps = fc.array(fc.tuple(step, fc.constantFrom(0, 1, 5, 400, 9000)), { maxLength: 14 });
    await fc.assert(
      fc.asyncProperty(steps, async (happening) => {
        const world = new World();
        const told: (NetworkRow | undefined)[] = [undefined, undefined];
        const saved: (SavedState | undefined)[][] = [[], []];
        const clusters = [A, B] as const;
        const links = [await world.member(A), await world.member(B)];
        const tell = (who: number): void => {
          const row = told[who];
          links[who]?.setOwnNetwork(row === undefined ? undefined : facts(row));
          links[who]?.setOwnRows(serviceKey("shop", "web"), [
            anExportRow({ cluster: clusters[who] ?? A }),
          ]);
          links[who]?.markOwnComplete();
        };
        for (const who of [0, 1]) tell(who);
        for (const [action, waitMs] of happening) {
          switch (action.kind) {
            case "tell":
              told[action.who] = BACKENDS[action.backend];
              tell(action.who);
              break;
            case "restart": {
              const { who, isOld } = action;
              const earlier = saved[who] ?? [];
              const left = structuredClone(links[who]?.saved());
              if (left !== undefined) earlier.push(left);
              links[who]?.stop();
              links[who] = await world.member(clusters[who], true, earlier.at(isOld ? 0 : -1));
              tell(who);
              break;
            }
            case "break":
              world.broker.breakStream(clusters[action.who] ?? A);
              break;
            case "replica":
              world.broker.stop(0);
              world.broker.start(0);
              break;
            case "lose-store":
              world.broker.loseStore();
              break;
          }
          await world.clock.advance(waitMs);
        }
        await world.clock.advance(60_000);
        for (const who of [0, 1]) {
          const other = told[1 - who];
          const expected = other === undefined ? [] : [{ ...other, cluster: clusters[1 - who] }];
          expect([...(links[who]?.networks().values() ?? [])]).toEqual(expected);
          links[who]?.stop();
        }
      }),
      { numRuns: 150 },
    );
  });
});

const BACKENDS: readonly (NetworkRow | undefined)[] = [
  undefined,
  aNetworkRow({ backends: ["vxlan"] }),
  aNetworkRow({ backends: ["underlay"] }),
];

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
    [{ podCidrs: ["127.0.0.0/8"] }, /must not meet 127/],
    [{ podCidrs: ["10.1.0.1/16"] }, /no bits beyond its prefix/],
    [{ podCidrs: Array.from({ length: 65 }, (_, at) => `10.${at}.0.0/16`) }, /at most 64: got 65/],
    [{ fixed: [{ cidr: "10.1.0.0/16", global: "242.0.0.0/17" }] }, /family and length/],
  ])(
    "what the broker could not read is not asked for, and the stream stands: %j",
    async (change, reason) => {
      const world = new World();
      const a = await world.member(A);
      expect(a.setGlobalNeed(NEED)).toEqual(ok(undefined));
      await world.clock.advance(1000);
      const refused = a.setGlobalNeed({ ...NEED, ...change });
      expect(refused.ok ? "" : refused.error).toMatch(reason);
      await world.clock.advance(5000);
      expect([a.globalBlock(), world.asked]).toEqual([BLOCK, [["a", NEED]]]);
      expect([a.status().kind, a.hasSynced("shop")]).toEqual(["connected", true]);
    },
  );

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
