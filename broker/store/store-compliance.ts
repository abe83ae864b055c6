import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { RowKey } from "../../api/broker/row.ts";
import { rowKey } from "../../api/broker/row.ts";
import type { StoreRecord } from "../core/store-record.ts";
import { testCluster } from "../wire/row-arbitrary.ts";
import { anExportRow } from "../wire/test-rows.ts";
import type { Store } from "./store.ts";

const a = testCluster("a");
const member = {
  cluster: a,
  incarnation: 1,
  joinedAtMs: 5,
  certificateSerial: "ab",
  certificateExpiresAtMs: 9,
};

export function keyOf(name: string): RowKey {
  return rowKey(anExportRow({ name }));
}

export function aRow(sequence: number, name = "web", incarnation = 1): StoreRecord {
  const bytes = Buffer.from(`${name}@${sequence}`);
  return { kind: "row", cluster: a, incarnation, sequence, key: keyOf(name), bytes };
}

export function aDelete(sequence: number, name = "web"): StoreRecord {
  return { kind: "delete", cluster: a, incarnation: 1, sequence, key: keyOf(name) };
}

/** Everything a store shows, comparable. */
export function contents(store: Store): unknown {
  return {
    members: store.members(),
    departed: store.table.departed(a),
    owners: [...store.table.owners()].map((owner) => ({
      cluster: owner.cluster,
      incarnation: owner.incarnation,
      sequence: owner.sequence,
      isComplete: owner.isComplete,
      rows: owner
        .keysSince(-1)
        .map((key) => [
          key,
          owner.tombstone(key),
          Buffer.from(owner.row(key)?.bytes ?? []).toString(),
        ]),
    })),
  };
}

const anyRecord: fc.Arbitrary<StoreRecord> = fc.oneof(
  {
    weight: 5,
    arbitrary: fc
      .tuple(fc.integer({ min: 1, max: 99 }), fc.constantFrom("web", "db", "api"))
      .map(([s, n]) => aRow(s, n)),
  },
  {
    weight: 3,
    arbitrary: fc
      .tuple(fc.integer({ min: 1, max: 99 }), fc.constantFrom("web", "db"))
      .map(([s, n]) => aDelete(s, n)),
  },
  fc.constantFrom<StoreRecord>(
    { kind: "complete", cluster: a, incarnation: 1 },
    { kind: "member", member },
    { kind: "member", member: { ...member, incarnation: 2 } },
    { kind: "gone", cluster: a, incarnation: 1 },
    aRow(3, "web", 2),
  ),
);

/** A place that outlives the stores opened in it. */
export interface StorePlace {
  open(): Promise<Store>;
}

/** What every Store adapter must do. */
export function testStoreCompliance(
  name: string,
  newPlace: () => Promise<StorePlace>,
  numRuns = 40,
): void {
  describe(`${name} complies with Store`, () => {
    test("shows a record only once its append has resolved, and then everywhere", async () => {
      const store = await (await newPlace()).open();
      const appended = store.append([aRow(1)]);
      expect(store.table.owner(a)).toBeUndefined();
      expect(await appended).toEqual({ ok: true, value: undefined });
      expect(store.table.owner(a)?.row(keyOf("web"))?.sequence).toBe(1);
      await store.close();
    });

    test("keeps the order of appends, empty ones included", async () => {
      const store = await (await newPlace()).open();
      const order: number[] = [];
      const appends = [[aRow(1)], [], [aRow(2)], [aRow(1, "late")]].map(async (records, at) => {
        await store.append(records);
        order.push(at);
      });
      await Promise.all(appends);
      expect(order).toEqual([0, 1, 2, 3]);
      const owner = store.table.owner(a);
      expect([owner?.sequence, owner?.row(keyOf("late"))]).toEqual([2, undefined]);
      await store.close();
    });

    test("tells subscribers which clusters changed, not of records without effect, until they leave", async () => {
      const store = await (await newPlace()).open();
      const heard: string[][] = [];
      const leave = store.subscribe((changed) => heard.push([...changed]));
      await store.append([aRow(2)]);
      await store.append([aRow(2), aRow(1)]);
      leave();
      await store.append([aRow(3)]);
      expect(heard).toEqual([["a"]]);
      await store.close();
    });

    test("keeps members; one that leaves takes its rows and its life with it (CLN-04, CLN-13)", async () => {
      const store = await (await newPlace()).open();
      await store.putMember(member);
      await store.append([aRow(1), { kind: "complete", cluster: a, incarnation: 1 }]);
      expect(store.members()).toEqual([member]);
      await store.removeMember(a);
      await store.append([aRow(9)]);
      expect([store.members(), store.table.owner(a), store.table.departed(a)]).toEqual([
        [],
        undefined,
        1,
      ]);
      await store.putMember({ ...member, incarnation: 2 });
      expect(store.table.owner(a)).toMatchObject({ incarnation: 2, size: 0, isComplete: false });
      await store.removeMember(testCluster("unknown"));
      await store.close();
    });

    test("refuses to append once closed; closing twice is fine", async () => {
      const store = await (await newPlace()).open();
      await store.close();
      await store.close();
      expect(await store.append([aRow(1)])).toMatchObject({
        ok: false,
        error: { kind: "store-closed" },
      });
      expect(store.health()).toEqual({ kind: "failed", reason: "store is closed" });
    });

    test("shows the same after it was closed and opened again, whatever was appended", async () => {
      await fc.assert(
        fc.asyncProperty(
          fc.array(fc.array(anyRecord, { maxLength: 4 }), { maxLength: 12 }),
          async (groups) => {
            const place = await newPlace();
            const store = await place.open();
            await Promise.all(groups.map((records) => store.append(records)));
            const before = contents(store);
            const { epoch } = store;
            await store.close();
            const again = await place.open();
            expect(contents(again)).toEqual(before);
            expect(again.epoch).toBe(epoch);
            await again.close();
          },
        ),
        { numRuns },
      );
    });
  });
}
