import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type RowKey, rowKey } from "../../api/broker/row.ts";
import { testCluster } from "../wire/row-arbitrary.ts";
import { anExportRow } from "../wire/test-rows.ts";
import { OwnerRows } from "./owner-rows.ts";

const names = ["k1", "k2", "k3", "k4", "k5"];

function key(name: string): RowKey {
  return rowKey(anExportRow({ name }));
}

const anyWrite = fc.record({
  isPut: fc.boolean(),
  name: fc.constantFrom(...names),
  step: fc.integer({ min: 0, max: 3 }),
});

describe("an owner's rows", () => {
  test("tell what changed since any version they can resume from, and never resume past what is forgotten", () => {
    fc.assert(
      fc.property(fc.array(anyWrite, { maxLength: 80 }), fc.nat(3), (writes, tombstonesMax) => {
        const owner = new OwnerRows(testCluster("a"), 1, tombstonesMax);
        // Naive twin: the whole state after each sequence.
        const states = new Map<number, ReadonlyMap<RowKey, number>>([[0, new Map()]]);
        let state = new Map<RowKey, number>();
        for (const { isPut, name, step } of writes) {
          const sequence = owner.sequence + step;
          const changed = isPut
            ? owner.put(key(name), sequence, new Uint8Array())
            : owner.delete(key(name), sequence);
          expect(changed).toBe(step > 0);
          if (!changed) continue;
          state = new Map(state);
          if (isPut) state.set(key(name), sequence);
          else state.delete(key(name));
          states.set(sequence, state);
        }
        for (const [sequence, past] of states) {
          if (!owner.canResumeFrom(sequence)) continue;
          const replayed = new Map(past);
          for (const changed of owner.keysSince(sequence)) {
            const row = owner.row(changed);
            if (row === undefined) replayed.delete(changed);
            else replayed.set(changed, row.sequence);
          }
          // Equality of Maps does not look at their order.
          expect(replayed).toEqual(state);
        }
      }),
    );
  });

  test.each([
    [0, false],
    [1, false],
    [2, true],
    [4, true],
    [5, false],
    [-1, false],
  ])(
    "with one tombstone kept of deletions 2, 3, 4: resuming from %i is possible: %s",
    (from, want) => {
      const owner = new OwnerRows(testCluster("a"), 1, 2);
      owner.put(key("k1"), 1, new Uint8Array());
      for (const [at, name] of ["k1", "k2", "k3"].entries()) owner.delete(key(name), at + 2);
      expect(owner.canResumeFrom(from)).toBe(want);
    },
  );
});

test("namespaces have the keys of the rows that are there, and no others", () => {
  const rows = new OwnerRows(testCluster("a"), 1);
  const key = (namespace: string, name: string): RowKey => rowKey(anExportRow({ namespace, name }));
  const bytes = new Uint8Array([1]);
  rows.put(key("n1", "x"), 1, bytes);
  rows.put(key("n1", "y"), 2, bytes);
  rows.put(key("n2", "x"), 3, bytes);
  rows.put(key("n1", "x"), 4, bytes);
  rows.delete(key("n1", "y"), 5);
  rows.delete(key("n2", "x"), 6);
  const shown = [...rows.namespaces()].map(([namespace, keys]) => [namespace, [...keys]]);
  expect(shown).toEqual([["n1", [key("n1", "x")]]]);
});
