import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Row as RowMessage } from "../../api/broker/broker.gen.ts";
import { type Row, rowKey } from "../../api/broker/row.ts";
import { type ClusterPolicy, UNLIMITED } from "../policy/cluster-policy.ts";
import { parseCidrs } from "../wire/address-rules.ts";
import { encodeRow } from "../wire/encode-row.ts";
import { LIMITS } from "../wire/limits.ts";
import { testCluster } from "../wire/row-arbitrary.ts";
import { anEndpointsRow, anExportRow } from "../wire/test-rows.ts";
import { BrokerTable } from "./broker-table.ts";
import { OwnWrites, type Verdict } from "./own-writes.ts";

const a = testCluster("a");
const ANY = parseCidrs([]);
if (!ANY.ok) throw new Error(ANY.error);
const anywhere = ANY.value;

/** A member's writes and the table they end in. */
class World {
  readonly table = new BrokerTable();
  readonly writes: OwnWrites;
  /** Decided and not yet applied. */
  readonly #underWay: Verdict[] = [];

  constructor(rowsMax?: number, policy?: ClusterPolicy) {
    this.writes = new OwnWrites({ cluster: a, incarnation: 1 }, this.table, {
      ...(rowsMax === undefined ? {} : { rowsMax }),
      ...(policy === undefined ? {} : { policy }),
    });
    this.writes.start();
  }

  put(sequence: number, row: Row | RowMessage = anExportRow(), cidrs = anywhere): Verdict {
    const message = "content" in row ? row : encodeRow(row);
    return this.#note(this.writes.put({ sequence, row: message }, cidrs));
  }

  delete(sequence: number, key: string = rowKey(anExportRow())): Verdict {
    return this.#note(this.writes.delete({ sequence, key }));
  }

  complete(): Verdict {
    return this.#note(this.writes.complete());
  }

  /** The store has written everything, or the first so many verdicts. */
  settle(count = Number.POSITIVE_INFINITY): this {
    for (const { records, storedSequence } of this.#underWay.splice(0, count)) {
      for (const record of records) this.table.apply(record);
      if (storedSequence !== undefined) this.writes.durable(storedSequence);
    }
    return this;
  }

  get keys(): readonly string[] {
    return [...(this.table.owner(a)?.rows() ?? [])].map(([key]) => key);
  }

  #note(verdict: Verdict): Verdict {
    this.#underWay.push(verdict);
    return verdict;
  }
}

const badRow = encodeRow(anExportRow({ sessionAffinity: "Sometimes" }));
const loopback = anEndpointsRow({
  endpoints: [{ addresses: ["127.0.0.1"], ready: true, serving: true, terminating: false }],
});
const huge = anExportRow({ annotations: { big: "x".repeat(LIMITS.rowBytes) } });

describe("a refused row", () => {
  test.each([
    { name: "an invalid field", row: badRow, reason: /sessionAffinity must be/ },
    { name: "a loopback address (SEC-06)", row: encodeRow(loopback), reason: /127\.0\.0\.1/ },
    { name: "too many bytes", row: encodeRow(huge), reason: /at most 262144 bytes: got 262\d+/ },
  ])("is answered with its key and rule: $name", ({ row, reason }) => {
    const world = new World();
    const { records, storedSequence, refusal } = world.put(1, row);
    expect({ records, storedSequence }).toEqual({ records: [], storedSequence: undefined });
    expect(refusal).toMatchObject({ sequence: 1, reason: expect.stringMatching(reason) });
    expect(refusal?.key).toMatch(/^(export|endpoints)\/shop\/web/);
  });

  test("outside the announced CIDRs is refused, inside is stored", () => {
    const cidrs = parseCidrs(["10.2.0.0/16"]);
    if (!cidrs.ok) throw new Error(cidrs.error);
    const world = new World();
    expect(world.put(1, anEndpointsRow(), cidrs.value).refusal?.reason).toMatch(/10\.1\.0\.1/);
    const inside = anEndpointsRow({
      endpoints: [{ addresses: ["10.2.0.1"], ready: true, serving: true, terminating: false }],
    });
    expect(world.put(2, inside, cidrs.value).refusal).toBeUndefined();
  });

  test("removes the older version of itself: no stale data stays visible", () => {
    const world = new World();
    world.put(1);
    world.settle();
    expect(world.put(2, badRow)).toMatchObject({
      records: [{ kind: "delete", sequence: 2, key: rowKey(anExportRow()) }],
      storedSequence: 2,
      refusal: { sequence: 2 },
    });
    expect(world.settle().keys).toEqual([]);
  });

  test("removes the older version also while that is still on its way into the store", () => {
    const world = new World();
    world.put(1);
    expect(world.put(2, badRow).records).toMatchObject([{ kind: "delete" }]);
    expect(world.settle().keys).toEqual([]);
  });

  test("whose key cannot be read changes nothing and says so without a key", () => {
    const world = new World();
    world.put(1);
    world.settle();
    const nameless = { ...encodeRow(anExportRow()), name: "No Such" };
    expect(world.put(2, nameless)).toMatchObject({ records: [], refusal: { key: "" } });
    expect(world.settle().keys).toEqual([rowKey(anExportRow())]);
  });

  test("an absent row is refused", () => {
    const { writes } = new World();
    expect(writes.put({ sequence: 1, row: undefined }, anywhere).refusal?.reason).toBe(
      "put must hold a row: got none",
    );
  });
});

describe("sequences", () => {
  test.each([0, -1, 1.5, Number.NaN, 2 ** 52, Number.MAX_SAFE_INTEGER])(
    "%d is out of range: refused, nothing changed",
    (sequence) => {
      const world = new World();
      const put = world.put(sequence);
      expect(put).toMatchObject({ records: [], refusal: { sequence } });
      expect(put.refusal?.reason).toMatch(/^sequence must be 1 to 2\^52 - 1: got /);
      expect(world.delete(sequence, rowKey(anEndpointsRow())).records).toEqual([]);
      expect(world.writes.lastSequence).toBe(0);
    },
  );

  test("a repeated Put of what is stored is answered as stored, with the last sequence", () => {
    const world = new World();
    world.put(1);
    world.put(5, anEndpointsRow());
    world.settle();
    expect(world.put(1)).toEqual({ records: [], storedSequence: 5 });
  });

  test("a repeated sequence with another content is refused and changes nothing", () => {
    const world = new World();
    world.put(5);
    world.settle();
    const refused = world.put(5, anExportRow({ createdAtMs: 7 }));
    expect(refused).toMatchObject({ records: [], refusal: { key: rowKey(anExportRow()) } });
    expect(refused.refusal?.reason).toBe(
      "sequence must be greater than 5, the last one written: got 5",
    );
  });

  test("a repeated Delete of what is gone is answered as stored; of what is held, refused", () => {
    const world = new World();
    world.put(1);
    world.delete(2);
    world.settle();
    expect(world.delete(2)).toEqual({ records: [], storedSequence: 2 });
    world.put(3);
    world.settle();
    expect(world.delete(2).refusal).toMatchObject({ sequence: 2 });
    expect(world.keys).toEqual([rowKey(anExportRow())]);
  });

  test("a Delete with an unreadable key is refused", () => {
    expect(new World().delete(1, "gadget/x").refusal?.reason).toMatch(/^row key must be /);
  });

  test("an equal row written again is acknowledged without a record: nothing is fanned out (I9)", () => {
    const world = new World();
    world.put(1);
    world.settle();
    expect(world.put(2)).toEqual({ records: [], storedSequence: 2 });
  });

  test("what is stored by now does not hide what is still on its way", () => {
    const world = new World();
    world.put(1);
    world.put(2, badRow);
    world.settle(1);
    expect(world.keys).toHaveLength(1);
    // The row is there, and its deletion is on its way: nothing is left to delete.
    expect(world.delete(3).records).toEqual([]);
  });

  test("an equal row written while another version is on its way is written", () => {
    const world = new World();
    world.put(1);
    world.settle();
    world.put(2, anExportRow({ createdAtMs: 7 }));
    expect(world.put(3).records).toHaveLength(1);
  });
});

describe("limits", () => {
  const named = (name: string): Row => anExportRow({ name });

  test("one row too many is refused; a replaced or deleted one makes no difference or room", () => {
    const world = new World(2);
    world.put(1, named("one"));
    world.put(2, named("two"));
    expect(world.put(3, named("three")).refusal?.reason).toBe(
      "rows of one cluster must be at most 2: this would be one more",
    );
    expect(world.put(4, anExportRow({ name: "two", createdAtMs: 9 })).refusal).toBeUndefined();
    world.settle();
    expect(world.put(5, named("three")).refusal).toBeDefined();
    world.delete(6, rowKey(named("one")));
    expect(world.put(7, named("three")).refusal).toBeUndefined();
    expect(world.settle().keys.toSorted()).toEqual(["export/shop/three", "export/shop/two"]);
  });

  test("never holds more rows than the limit, whatever is under way", () => {
    const step = fc.record({
      kind: fc.constantFrom("put", "delete", "bad", "settle"),
      name: fc.constantFrom("s1", "s2", "s3", "s4"),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
        const world = new World(2);
        let sequence = 0;
        for (const { kind, name } of steps) {
          sequence += 1;
          const createdAtMs = sequence;
          if (kind === "put") world.put(sequence, anExportRow({ name, createdAtMs }));
          if (kind === "bad") world.put(sequence, { ...badRow, name });
          if (kind === "delete") world.delete(sequence, rowKey(named(name)));
          if (kind === "settle") world.settle();
          expect(world.keys.length).toBeLessThanOrEqual(2);
        }
        expect(world.settle().keys.length).toBeLessThanOrEqual(2);
      }),
    );
  });

  test("is full at so many writes on their way, and has room once they are durable", () => {
    const world = new World();
    for (let at = 1; at < LIMITS.unstoredWrites; at++) world.put(at, named(`s${at}`));
    expect(world.writes.isFull).toBe(false);
    world.put(LIMITS.unstoredWrites, named("last"));
    expect(world.writes.isFull).toBe(true);
    world.settle();
    expect(world.writes.isFull).toBe(false);
  });

  test("is full at so many bytes on their way", () => {
    const world = new World();
    const annotations = { big: "x".repeat(LIMITS.rowBytes - 1000) };
    for (let at = 1; !world.writes.isFull; at++) {
      world.put(at, anExportRow({ name: `s${at}`, annotations }));
      expect(at).toBeLessThan(20);
    }
    expect(world.settle().writes.isFull).toBe(false);
  });

  test.each(["put", "delete"])("a flood of repeated %ss fills it too", (kind) => {
    const world = new World();
    world.put(1);
    if (kind === "delete") world.delete(2);
    world.settle();
    for (let at = 0; at < LIMITS.unstoredWrites; at++) {
      if (kind === "put") world.put(1);
      else world.delete(1);
    }
    expect(world.writes.isFull).toBe(true);
  });
});

describe("completion", () => {
  test("is recorded once; again only answered", () => {
    const world = new World();
    expect(world.complete()).toEqual({
      records: [{ kind: "complete", cluster: a, incarnation: 1 }],
      storedSequence: 0,
    });
    world.settle();
    expect(world.complete()).toEqual({ records: [], storedSequence: 0 });
  });

  test("of an earlier life does not count for this one (CLN-13)", () => {
    const table = new BrokerTable();
    table.apply({ kind: "complete", cluster: a, incarnation: 1 });
    const later = new OwnWrites({ cluster: a, incarnation: 2 }, table);
    expect(later.complete().records).toEqual([{ kind: "complete", cluster: a, incarnation: 2 }]);
  });
});

function endpointsOf(slice: string, count: number): Row {
  const endpoints = Array.from({ length: count }, (_, at) => ({
    addresses: [`10.1.0.${at + 1}`],
    ready: true,
    serving: true,
    terminating: false,
  }));
  return anEndpointsRow({ slice, endpoints });
}

describe("what the hub's policy refuses (SEC-04, SEC-06)", () => {
  const refusals = (world: World, rows: readonly Row[]): readonly (string | undefined)[] =>
    rows.map((row, at) => world.put(at + 1, row).refusal?.reason);

  test("exports beyond their number, while others may change and one that goes makes room", () => {
    const world = new World(undefined, { ...UNLIMITED, maxExports: 2 });
    const [one, two, three] = ["one", "two", "three"].map((name) => anExportRow({ name }));
    if (one === undefined || two === undefined || three === undefined) throw new Error("rows");
    expect(refusals(world, [one, two, three])).toEqual([
      undefined,
      undefined,
      "exports of one cluster must be at most 2 by the hub's policy: with this one it would have 3",
    ]);
    world.settle();
    expect(world.put(4, { ...two, createdAtMs: 7 }).refusal).toBeUndefined();
    world.delete(5, rowKey(one));
    expect(world.put(6, three).refusal).toBeUndefined();
    expect(world.settle().keys).toEqual([rowKey(two), rowKey(three)]);
  });

  test("endpoints beyond their number in all rows together, and with the row its older version", () => {
    const world = new World(undefined, { ...UNLIMITED, maxEndpoints: 5 });
    expect(refusals(world, [endpointsOf("s1", 3), endpointsOf("s2", 2)])).toEqual([
      undefined,
      undefined,
    ]);
    world.settle();
    expect(world.put(3, endpointsOf("s1", 4)).refusal?.reason).toBe(
      "endpoints of one cluster must be at most 5 by the hub's policy: with this row it would have 6",
    );
    expect(world.settle().keys).toEqual([rowKey(endpointsOf("s2", 2))]);
    expect(world.put(4, endpointsOf("s1", 3)).refusal).toBeUndefined();
  });

  test("counting goes on from what was stored before this stream", () => {
    const world = new World();
    world.put(1, endpointsOf("s1", 3));
    world.put(2, anExportRow());
    world.settle();
    const policy = { ...UNLIMITED, maxEndpoints: 3, maxExports: 1 };
    const later = new OwnWrites({ cluster: a, incarnation: 1 }, world.table, { policy });
    later.start();
    const put = (sequence: number, row: Row): Verdict =>
      later.put({ sequence, row: encodeRow(row) }, anywhere);
    expect(put(3, endpointsOf("s2", 1)).refusal?.reason).toMatch(/would have 4$/);
    expect(put(4, anExportRow({ name: "other" })).refusal?.reason).toMatch(/would have 2$/);
    expect(put(5, endpointsOf("s1", 2)).refusal).toBeUndefined();
    expect(put(6, endpointsOf("s2", 1)).refusal).toBeUndefined();
  });

  test("whatever is written, what is stored is within the policy, and the count never drifts", () => {
    const policy = { ...UNLIMITED, maxExports: 2, maxEndpoints: 6 };
    const step = fc.oneof(
      fc.record({ kind: fc.constant("export"), name: fc.constantFrom("a", "b", "c") }),
      fc.record({
        kind: fc.constant("endpoints"),
        slice: fc.constantFrom("s1", "s2", "s3"),
        count: fc.nat(5),
      }),
      fc.record({ kind: fc.constant("delete"), slice: fc.constantFrom("s1", "s2", "s3") }),
      fc.record({ kind: fc.constant("settle"), count: fc.nat(3) }),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
        const world = new World(undefined, policy);
        steps.forEach((one, at) => {
          if ("name" in one) world.put(at + 1, anExportRow({ name: one.name, createdAtMs: at }));
          else if ("slice" in one && "count" in one) {
            world.put(at + 1, endpointsOf(one.slice, one.count));
          } else if ("slice" in one) world.delete(at + 1, rowKey(endpointsOf(one.slice, 0)));
          else world.settle(one.count);
          const owner = world.table.owner(a);
          const rows = [...(owner?.rows() ?? [])];
          expect(rows.filter(([key]) => key.startsWith("export/")).length).toBeLessThanOrEqual(2);
          const endpoints = rows.reduce((sum, [, row]) => sum + row.endpointCount, 0);
          expect(endpoints).toBeLessThanOrEqual(6);
        });
        world.settle();
        // Room is what the table says it is: one more endpoint fits exactly when there are fewer than six.
        const held = [...(world.table.owner(a)?.rows() ?? [])].reduce(
          (sum, [, row]) => sum + row.endpointCount,
          0,
        );
        const more = world.put(1000, endpointsOf("s9", 1)).refusal;
        expect(more === undefined).toBe(held < 6);
      }),
    );
  });
});
