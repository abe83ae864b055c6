import { describe, expect, test } from "vitest";
import { must } from "../../api/result.ts";
import type { SharedRecords } from "./shared-records.ts";

/** What every SharedRecords adapter does. `make` gives an empty place, and another view of the same place. */
export function describeSharedRecords(
  name: string,
  make: () => Promise<{ readonly one: SharedRecords; readonly other: SharedRecords }>,
): void {
  describe(`shared records: ${name}`, () => {
    test("what is not there is undefined, an empty list, and harmless to delete", async () => {
      const { one } = await make();
      expect(must(await one.read("authority"))).toBeUndefined();
      expect(must(await one.list("tokens"))).toEqual([]);
      must(await one.delete("tokens/x"));
    });

    test("shows everybody what was created, as it was written", async () => {
      const { one, other } = await make();
      const text = '{"a":"ü\\n"}';
      expect(must(await one.create("authority", text))).toBe(true);
      expect(must(await other.read("authority"))).toMatchObject({ key: "authority", text });
    });

    test("of several that create exactly one succeeds, and its text stays", async () => {
      const { one, other } = await make();
      const tries = await Promise.all(
        Array.from({ length: 8 }, (_, at) =>
          (at % 2 === 0 ? one : other).create("claims/A_-9", `${at}`),
        ),
      );
      const winners = tries.flatMap((result, at) => (must(result) ? [at] : []));
      expect(winners).toHaveLength(1);
      expect(must(await other.read("claims/A_-9"))?.text).toBe(`${winners[0]}`);
    });

    test("tells all of them, of every group and of none", async () => {
      const { one, other } = await make();
      for (const key of ["authority", "tokens/A-b", "claims/A-b"]) must(await one.create(key, key));
      const all = must(await other.all());
      expect(all.map(({ key, text }) => `${key}: ${text}`).sort()).toEqual([
        "authority: authority",
        "claims/A-b: claims/A-b",
        "tokens/A-b: tokens/A-b",
      ]);
    });

    test("replaces what was read, and not what has changed since", async () => {
      const { one } = await make();
      must(await one.create("authority", "first"));
      const first = must(await one.read("authority"))?.revision ?? "";
      expect(must(await one.replace("authority", "second", first))).toBe(true);
      expect(must(await one.replace("authority", "third", first))).toBe(false);
      expect(must(await one.read("authority"))?.text).toBe("second");
      must(await one.delete("authority"));
      const second = must(await one.read("authority"))?.revision ?? first;
      expect(must(await one.replace("authority", "fourth", second))).toBe(false);
      expect(must(await one.read("authority"))).toBeUndefined();
    });

    test("of several that replace one revision exactly one succeeds", async () => {
      const { one } = await make();
      must(await one.create("authority", "first"));
      const first = must(await one.read("authority"))?.revision ?? "";
      const tries = await Promise.all(
        Array.from({ length: 8 }, (_, at) => one.replace("authority", `next ${at}`, first)),
      );
      expect(tries.filter((result) => must(result))).toHaveLength(1);
    });

    test("lists a group, without other groups and deleted ones", async () => {
      const { one, other } = await make();
      for (const key of ["tokens/a", "tokens/B", "claims/a", "authority"]) {
        must(await one.create(key, key));
      }
      must(await other.delete("tokens/B"));
      const listed = must(await other.list("tokens"));
      expect(listed.map(({ key, text }) => [key, text])).toEqual([["tokens/a", "tokens/a"]]);
    });
  });
}
