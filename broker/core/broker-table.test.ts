import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type RowKey, rowKey } from "../../api/broker/row.ts";
import { testCluster } from "../wire/row-arbitrary.ts";
import { anExportRow } from "../wire/test-rows.ts";
import { BrokerTable } from "./broker-table.ts";
import type { StoreRecord } from "./store-record.ts";

const CLUSTERS = ["a", "b"].map(testCluster);
const a = testCluster("a");

function key(name: string): RowKey {
  return rowKey(anExportRow({ name }));
}

function row(sequence: number, name = "web", incarnation = 1, cluster = a): StoreRecord {
  const bytes = Buffer.from(`${name}@${sequence}`);
  return { kind: "row", cluster, incarnation, sequence, key: key(name), bytes };
}

function member(incarnation: number, cluster = a): StoreRecord {
  const record = { cluster, incarnation, joinedAtMs: incarnation, certificateSerial: "ab" };
  return { kind: "member", member: record };
}

/** Everything a table shows, comparable. */
function contents(table: BrokerTable): unknown {
  return {
    members: table.members().toSorted((x, y) => (x.cluster < y.cluster ? -1 : 1)),
    departed: CLUSTERS.map((cluster) => table.departed(cluster)),
    owners: CLUSTERS.map((cluster) => {
      const owner = table.owner(cluster);
      if (owner === undefined) return undefined;
      const { incarnation, sequence, isComplete, trimmedSequence } = owner;
      const keys = owner.keysSince(-1);
      const rows = keys.map((k) => [k, owner.row(k)?.sequence, owner.tombstone(k)]);
      return { incarnation, sequence, isComplete, trimmedSequence, rows };
    }),
    count: table.rowCount(),
  };
}

const anyRecord: fc.Arbitrary<StoreRecord> = fc
  .record({
    kind: fc.constantFrom("row", "row", "row", "delete", "complete", "member", "gone"),
    cluster: fc.constantFrom(...CLUSTERS),
    incarnation: fc.integer({ min: 1, max: 3 }),
    sequence: fc.integer({ min: 1, max: 30 }),
    name: fc.constantFrom("web", "db", "api"),
  })
  .map(({ kind, cluster, incarnation, sequence, name }): StoreRecord => {
    if (kind === "row") return row(sequence, name, incarnation, cluster);
    if (kind === "member") return member(incarnation, cluster);
    if (kind === "delete") {
      return { kind: "delete", cluster, incarnation, sequence, key: key(name) };
    }
    return { kind: kind === "gone" ? "gone" : "complete", cluster, incarnation };
  });

function tableOf(records: readonly StoreRecord[]): BrokerTable {
  const table = new BrokerTable(2);
  for (const record of records) table.apply(record);
  return table;
}

describe("laws of the table", () => {
  test("a snapshot makes an equal table, tombstones and forgotten ones included", () => {
    fc.assert(
      fc.property(fc.array(anyRecord, { maxLength: 60 }), (records) => {
        const table = tableOf(records);
        expect(contents(tableOf([...table.snapshot()]))).toEqual(contents(table));
      }),
      { numRuns: 300 },
    );
  });

  test("a log may be replayed from any point: repeated records change nothing", () => {
    fc.assert(
      fc.property(fc.array(anyRecord, { maxLength: 40 }), fc.nat(40), (records, from) => {
        const table = tableOf(records);
        const before = contents(table);
        for (const record of records.slice(from)) table.apply(record);
        expect(contents(table)).toEqual(before);
      }),
      { numRuns: 300 },
    );
  });

  test("apply says true exactly when what the table shows has changed", () => {
    fc.assert(
      fc.property(fc.array(anyRecord, { maxLength: 30 }), (records) => {
        const table = new BrokerTable(2);
        for (const record of records) {
          const before = JSON.stringify(contents(table));
          const isChanged = table.apply(record);
          // A member that is written again unchanged counts as a change: it is rare and harmless.
          if (record.kind === "member") continue;
          const isSeen = JSON.stringify(contents(table)) !== before;
          if (isSeen) expect(isChanged).toBe(true);
          else if (record.kind !== "gone") expect(isChanged).toBe(false);
        }
      }),
    );
  });

  test("lives only move forward: no record brings back one that is over (CLN-13)", () => {
    fc.assert(
      fc.property(fc.array(anyRecord, { maxLength: 40 }), (records) => {
        const table = new BrokerTable();
        const highest = new Map<string, number>();
        for (const record of records) {
          table.apply(record);
          for (const cluster of CLUSTERS) {
            const now = table.owner(cluster)?.incarnation ?? table.departed(cluster) ?? 0;
            expect(now).toBeGreaterThanOrEqual(highest.get(cluster) ?? 0);
            expect(now).not.toBe(table.owner(cluster) === undefined ? -1 : table.departed(cluster));
            highest.set(cluster, now);
          }
        }
      }),
    );
  });
});

describe("a rejoin", () => {
  test("begins an empty life, and rows of the older one are ignored", () => {
    const table = tableOf([member(1), row(1), { kind: "complete", cluster: a, incarnation: 1 }]);
    table.apply(member(2));
    expect(table.apply(row(9, "web", 1))).toBe(false);
    expect(table.owner(a)).toMatchObject({ incarnation: 2, size: 0, isComplete: false });
  });

  test("that was revoked stays so in this life, whoever writes it again, and not in the next", () => {
    const table = tableOf([member(1), row(1)]);
    const known = table.member(a);
    if (known === undefined) throw new Error("no member");
    table.apply({ kind: "member", member: { ...known, frozenAtMs: 7 } });
    // A renewal that was on its way.
    table.apply(member(1));
    expect([table.member(a)?.frozenAtMs, table.rowCount()]).toEqual([7, 1]);
    table.apply(member(2));
    expect(table.member(a)?.frozenAtMs).toBeUndefined();
  });

  test("of an older incarnation does not replace the member", () => {
    const table = tableOf([member(2)]);
    expect(table.apply(member(1))).toBe(false);
    expect(table.member(a)?.incarnation).toBe(2);
  });
});

describe("a departure", () => {
  test("takes rows and membership, and refuses that life for good", () => {
    const table = tableOf([member(1), row(1)]);
    expect(table.apply({ kind: "gone", cluster: a, incarnation: 1 })).toBe(true);
    expect(table.apply(member(1))).toBe(false);
    expect([table.members(), table.owner(a), table.rowCount()]).toEqual([[], undefined, 0]);
  });

  test("of an older life leaves the present one alone", () => {
    const table = tableOf([member(3), row(1, "web", 3)]);
    table.apply({ kind: "gone", cluster: a, incarnation: 2 });
    expect([table.member(a)?.incarnation, table.owner(a)?.size]).toEqual([3, 1]);
  });
});
