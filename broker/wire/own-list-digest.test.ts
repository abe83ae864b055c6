import * as fc from "fast-check";
import { expect, test } from "vitest";
import { rowKey } from "../../api/broker/row.ts";
import { ownListDigest } from "./own-list-digest.ts";
import { testCluster } from "./row-arbitrary.ts";
import { rowDigest } from "./row-digest.ts";
import { anExportRow } from "./test-rows.ts";

const cluster = testCluster("a");

function listOf(names: readonly string[], createdAtMs: number): ReturnType<typeof lineOf>[] {
  return names.map((name) => lineOf(name, createdAtMs));
}

function lineOf(name: string, createdAtMs: number) {
  const row = anExportRow({ cluster, name, createdAtMs });
  return [rowKey(row), rowDigest(row)] as const;
}

const names = fc.uniqueArray(fc.stringMatching(/^[a-z][a-z0-9]{0,8}$/), { maxLength: 20 });

test("is the same whatever the order", () => {
  const shuffled = names.chain((list) =>
    fc.tuple(fc.constant(list), fc.shuffledSubarray(list, { minLength: list.length })),
  );
  fc.assert(
    fc.property(shuffled, ([one, other]) => {
      expect(ownListDigest(listOf(one, 1))).toEqual(ownListDigest(listOf(other, 1)));
    }),
  );
});

test("is another when a row is missing or is another", () => {
  fc.assert(
    fc.property(names, fc.nat(), (list, pick) => {
      fc.pre(list.length > 0);
      const whole = listOf(list, 1);
      const at = pick % list.length;
      const without = whole.filter((_, index) => index !== at);
      const changed = whole.with(at, lineOf(list[at] ?? "", 2));
      const digest = ownListDigest(whole);
      expect(ownListDigest(without)).not.toEqual(digest);
      expect(ownListDigest(changed)).not.toEqual(digest);
    }),
  );
});
