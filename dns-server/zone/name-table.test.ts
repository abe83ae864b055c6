import * as fc from "fast-check";
import { expect, test } from "vitest";
import { NameTable } from "./name-table.ts";

const names = fc.nat({ max: 150 }).map((at) => `svc-${at}`);
const changes = fc.array(fc.tuple(names, fc.option(fc.nat(), { nil: undefined })), {
  maxLength: 60,
  size: "max",
});

function sorted<T>(entries: readonly (readonly [string, T])[]): readonly (readonly [string, T])[] {
  return entries.toSorted(([one], [other]) => (one < other ? -1 : 1));
}

function contents(table: NameTable<number>): readonly (readonly [string, number | undefined])[] {
  return sorted([...table].map(([name]) => [name, table.get(name)]));
}

test("law: each table is a map with the changes so far, and no later one changes it", () => {
  fc.assert(
    fc.property(fc.array(changes, { maxLength: 12 }), (rounds) => {
      let table: NameTable<number> = NameTable.EMPTY;
      const model = new Map<string, number>();
      const earlier: (readonly [NameTable<number>, ReturnType<typeof contents>])[] = [];
      for (const round of rounds) {
        earlier.push([table, contents(table)]);
        table = table.with(new Map(round));
        for (const [name, value] of new Map(round)) {
          if (value === undefined) model.delete(name);
          else model.set(name, value);
        }
        expect(contents(table)).toEqual(sorted([...model]));
        expect(sorted([...table])).toEqual(sorted([...model]));
        expect(table.size).toBe(model.size);
        expect(table.get("no-such")).toBeUndefined();
      }
      for (const [before, then] of earlier) expect(contents(before)).toEqual(then);
    }),
  );
});

test("thousands of names are found, and one that changes leaves the others as they are", () => {
  const all = new Map(Array.from({ length: 5000 }, (_, at) => [`svc-${at}`, { at }] as const));
  const empty: NameTable<{ readonly at: number }> = NameTable.EMPTY;
  const table = empty.with(all);
  const next = table.with(new Map([["svc-7", { at: -7 }]]));
  expect([table.size, next.size]).toEqual([5000, 5000]);
  for (const [name, value] of all) {
    expect(table.get(name)).toBe(value);
    if (name !== "svc-7") expect(next.get(name)).toBe(value);
  }
  expect(next.get("svc-7")).toEqual({ at: -7 });
});
