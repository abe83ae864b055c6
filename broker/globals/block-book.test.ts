import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { ClusterId } from "../../api/cluster-id.ts";
import { cidrsOverlap, containsCidr, formatCidr, parseCidr } from "../../api/network/cidr.ts";
import { testCluster } from "../wire/row-arbitrary.ts";
import {
  allocateBlock,
  type BlockBook,
  blockOf,
  DEFAULT_GLOBAL_CIDRS,
  parsePools,
  QUARANTINE_MS,
} from "./block-book.ts";
import { formatBook, parseBook } from "./book-record.ts";
import type { GlobalBlock, GlobalNeed } from "./global-block.ts";

const CLUSTERS = ["a", "b", "c", "d"].map(testCluster);
const POD_CIDRS = ["10.0.0.0/18", "10.0.64.0/18", "10.1.0.0/19", "10.1.32.0/20", "fd00:1::/56"];

function poolsOf(...texts: readonly string[]) {
  const pools = parsePools(texts);
  if (!pools.ok) throw new Error(pools.error);
  return pools.value;
}

/** A book and its owner's view of time and members; `pools` of a size that runs out. */
class World {
  book: BlockBook = [];
  nowMs = 1_000_000;
  readonly left = new Set<ClusterId>();
  readonly pools = poolsOf("242.0.0.0/16", "fd69:7374:6800::/54");
  /** What each member was told last. */
  readonly told = new Map<ClusterId, GlobalBlock>();
  /** When each address range was last somebody's. */
  readonly history: { cluster: ClusterId; global: string; untilMs: number }[] = [];

  ask(cluster: ClusterId, need: GlobalNeed): GlobalBlock {
    // Who was away may find its room given to others.
    if (this.left.delete(cluster)) this.told.delete(cluster);
    const rules = {
      pools: this.pools,
      hasLeft: (who: ClusterId) => this.left.has(who),
      nowMs: this.nowMs,
    };
    const { book, block } = allocateBlock(this.book, { cluster, need }, rules);
    this.#keepStable(cluster, block);
    this.book = book;
    this.told.set(cluster, block);
    this.check();
    return block;
  }

  leave(cluster: ClusterId): void {
    if (!this.told.has(cluster) || this.left.has(cluster)) return;
    this.left.add(cluster);
    for (const global of globalsOf(this.told.get(cluster))) {
      this.history.push({ cluster, global, untilMs: this.nowMs });
    }
  }

  /** Through the record and back. */
  restart(): void {
    const read = parseBook(formatBook(this.book));
    expect(read).toEqual({ ok: true, value: this.book });
    if (read.ok) this.book = read.value;
  }

  #keepStable(cluster: ClusterId, block: GlobalBlock): void {
    const before = this.told.get(cluster);
    for (const { cidr, global } of block.prefixes) {
      const old = before?.prefixes.find((prefix) => prefix.cidr === cidr);
      // Whoever stays a member keeps what it has.
      if (old !== undefined) expect([cidr, global]).toEqual([cidr, old.global]);
    }
  }

  check(): void {
    const shared = this.book.flatMap((one, at) =>
      this.book.slice(at + 1).filter((other) => cidrsOverlap(one.global, other.global)),
    );
    expect(shared).toEqual([]);
    const outside = this.book.filter(
      (one) => !one.isFixed && !this.pools.some((pool) => containsCidr(pool, one.global)),
    );
    expect(outside).toEqual([]);
    for (const [cluster, block] of this.told) {
      if (this.left.has(cluster)) continue;
      const held = blockOf(this.book, cluster).map(({ global }) => global);
      expect(held.toSorted()).toEqual([...globalsOf(block)].toSorted());
      for (const { cidr, global } of block.prefixes) {
        expect(cidr.split("/")[1]).toBe(global.split("/")[1]);
      }
    }
    for (const { cluster, global, untilMs } of this.history) {
      if (this.nowMs - untilMs >= QUARANTINE_MS) continue;
      const others = this.book.filter(
        (entry) => entry.cluster !== cluster && meets(formatCidr(entry.global), global),
      );
      expect([global, others]).toEqual([global, []]);
    }
  }
}

function globalsOf(block: GlobalBlock | undefined): readonly string[] {
  return [...(block?.prefixes.map(({ global }) => global) ?? []), ...(block?.nodePrefixes ?? [])];
}

function meets(a: string, b: string): boolean {
  const [one, other] = [parseCidr(a), parseCidr(b)];
  return one.ok && other.ok && cidrsOverlap(one.value, other.value);
}

function need(...podCidrs: readonly string[]): GlobalNeed {
  return { podCidrs, fixed: [] };
}

const anyCluster = fc.constantFrom(...CLUSTERS);
type Step = (world: World) => void;
const anyStep: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc
      .tuple(
        anyCluster,
        fc.subarray(POD_CIDRS),
        fc.option(fc.constantFrom("242.0.64.0", "10.200.0.0")),
      )
      .map(
        ([cluster, podCidrs, fixed]): Step =>
          (world) => {
            const [first] = podCidrs.filter((text) => text.startsWith("10."));
            const choice =
              first === undefined || fixed === null
                ? []
                : [{ cidr: first, global: `${fixed}/${first.split("/")[1]}` }];
            world.told.delete(cluster);
            world.ask(cluster, { podCidrs, fixed: choice });
          },
      ),
  },
  {
    weight: 4,
    arbitrary: fc.tuple(anyCluster, fc.subarray(POD_CIDRS)).map(
      ([cluster, podCidrs]): Step =>
        (world) => {
          const isFixed = world.book.some((entry) => entry.cluster === cluster && entry.isFixed);
          if (!isFixed) world.ask(cluster, need(...podCidrs));
        },
    ),
  },
  {
    weight: 3,
    arbitrary: anyCluster.map(
      (cluster): Step =>
        (world) =>
          world.leave(cluster),
    ),
  },
  {
    weight: 2,
    arbitrary: fc.nat(2 * QUARANTINE_MS).map(
      (ms): Step =>
        (world) =>
          void (world.nowMs += ms),
    ),
  },
  { weight: 2, arbitrary: fc.constant<Step>((world) => world.restart()) },
);

describe("global addresses", () => {
  test("over any order of joins, changes, leaves and restarts: never the same address to two, aligned, kept by who stays, and nobody else's for a day after", () => {
    fc.assert(
      fc.property(fc.array(anyStep, { maxLength: 40, size: "max" }), (steps) => {
        const world = new World();
        for (const step of steps) step(world);
      }),
      { numRuns: 600 },
    );
  });

  test("of a member: its pod networks one to one, and a prefix for nodes in each family", () => {
    const world = new World();
    expect(world.ask(testCluster("a"), need("10.0.0.0/18", "fd00:1::/56"))).toEqual({
      prefixes: [
        { cidr: "10.0.0.0/18", global: "242.0.0.0/18" },
        { cidr: "fd00:1::/56", global: "fd69:7374:6800::/56" },
      ],
      nodePrefixes: ["242.0.64.0/24", "fd69:7374:6800:100::/120"],
      problem: "",
    });
  });

  test("who comes back after leaving finds its own, as long as nobody needed the room", () => {
    const world = new World();
    const [a, b] = [testCluster("a"), testCluster("b")];
    const before = world.ask(a, need("10.0.0.0/18"));
    world.leave(a);
    world.nowMs += 10 * QUARANTINE_MS;
    world.ask(b, need("10.0.0.0/18"));
    expect(world.ask(a, need("10.0.0.0/18"))).toEqual(before);
  });

  test("room of who left is given to others after a day, when there is no other, the longest unused first", () => {
    const world = new World();
    const [a, b, c, d] = CLUSTERS;
    if (a === undefined || b === undefined || c === undefined || d === undefined)
      throw new Error("four");
    const first = world.ask(a, need("10.0.0.0/18"));
    world.ask(b, need("10.0.0.0/18"));
    world.ask(c, need("10.0.0.0/18"));
    world.leave(a);
    const full = world.ask(d, need("10.0.0.0/18"));
    expect(full.problem).toBe(
      "no room for a prefix of /18 for 10.0.0.0/18 in the global pools (242.0.0.0/16): the hub needs another --global-cidr",
    );
    // Its nodes have addresses nevertheless.
    expect(full.nodePrefixes).toHaveLength(1);
    world.nowMs += QUARANTINE_MS;
    expect(world.ask(d, need("10.0.0.0/18")).prefixes).toEqual(first.prefixes);
  });

  test.each([
    [
      need("10.0.0.0/17"),
      /at most a quarter of the global pools, \/18 or longer: got 10.0.0.0\/17/,
    ],
    [need("242.0.0.0/20"), /must not meet the global pool 242.0.0.0\/16: got 242.0.0.0\/20/],
    [
      { podCidrs: ["10.3.0.0/18"], fixed: [{ cidr: "10.3.0.0/18", global: "242.0.0.0/18" }] },
      /must be free: 242.0.0.0\/18 meets 242.0.0.0\/18 of cluster b/,
    ],
  ])("what cannot be given is told with rule and value: %j", (wanted, problem) => {
    const world = new World();
    world.ask(testCluster("b"), need("10.0.0.0/18"));
    expect(world.ask(testCluster("a"), wanted).problem).toMatch(problem);
  });

  test("networks that change all the time do not use up the pools", () => {
    const world = new World();
    const problems = Array.from(
      { length: 200 },
      (_, at) => world.ask(testCluster("a"), need(`10.${at}.0.0/28`)).problem,
    );
    expect(problems.filter((problem) => problem !== "").length).toBeGreaterThan(0);
    expect(world.book.length).toBeLessThanOrEqual(133);
    expect(world.ask(testCluster("b"), need("10.0.0.0/18")).problem).toBe("");
  });

  test("a fixed prefix is kept from others, and given back to the pools when it is fixed no more", () => {
    const world = new World();
    const [a, b] = [testCluster("a"), testCluster("b")];
    const fixed = [{ cidr: "10.0.0.0/18", global: "242.0.0.0/18" }];
    expect(world.ask(a, { podCidrs: ["10.0.0.0/18"], fixed }).prefixes).toEqual(fixed);
    expect(world.ask(b, need("10.0.0.0/18")).prefixes).toEqual([
      { cidr: "10.0.0.0/18", global: "242.0.128.0/18" },
    ]);
  });

  test("the hub's own pools are apart and hold 63 members with a /14 each", () => {
    const pools = poolsOf(...DEFAULT_GLOBAL_CIDRS);
    let book: BlockBook = [];
    let given = 0;
    for (let at = 0; at < 70; at++) {
      const asking = { cluster: testCluster(`m${at}`), need: need("10.0.0.0/14") };
      const next = allocateBlock(book, asking, { pools, hasLeft: () => false, nowMs: 0 });
      book = next.book;
      given += next.block.prefixes.length;
    }
    expect(given).toBe(63);
  });
});

describe("pools", () => {
  test.each([
    [["242.0.0.0/8", "242.1.0.0/16"], /must not overlap: 242.0.0.0\/8 and 242.1.0.0\/16/],
    [["242.0.0.1/8"], /no bits beyond/],
    [["242.0.0.0/25"], /must hold a node prefix \(\/24\): got 242.0.0.0\/25/],
  ])("%j are none", (texts, error) => {
    const pools = parsePools(texts);
    expect(pools.ok ? "" : pools.error).toMatch(error);
  });
});

test.each([
  "",
  "{}",
  '{"version":1,"entries":[["A","x","242.0.0.0/16",0,0]]}',
  '{"version":1,"entries":[["a","x","y",0,0]]}',
])("a damaged record is told of, never taken for an empty one: %j", (text) => {
  expect(parseBook(text)).toMatchObject({
    ok: false,
    error: expect.stringMatching(/record of global addresses/),
  });
});
