import { expect, test } from "vitest";
import { DRAIN_MS, DrainingWays } from "./draining-ways.ts";
import { FilterContents, type SetElement } from "./filter-contents.ts";

const web: SetElement = { set: "imported4", element: "242.2.1.5 . tcp . 80" };
const db: SetElement = { set: "imported4", element: "242.2.1.6 . tcp . 5432" };
const own: SetElement = { set: "exported4", element: "242.1.1.5 . tcp . 80" };
const host: SetElement = { set: "imported_hosts4", element: "242.2.1.5" };

function drained(contents: FilterContents): readonly string[] {
  return contents.elements("draining4");
}

test("what a slice of a peer leaves drains, and then is gone", () => {
  const contents = new FilterContents();
  const ways = new DrainingWays(contents);
  ways.set("shop/web", [web, db, host], 0);
  expect(drained(contents)).toEqual([]);
  ways.set("shop/web", [db], 1_000);
  expect(contents.elements("imported4")).toEqual([db.element]);
  expect(drained(contents)).toEqual([web.element]);
  ways.set("shop/web", [], 2_000);
  expect(drained(contents)).toEqual([web.element, db.element]);
  ways.expire(1_000 + DRAIN_MS);
  expect(drained(contents)).toEqual([db.element]);
  ways.expire(2_000 + DRAIN_MS);
  expect(drained(contents)).toEqual([]);
});

test("what the own cluster exports no more is closed at once", () => {
  const contents = new FilterContents();
  const ways = new DrainingWays(contents);
  ways.set("shop/web", [own], 0);
  ways.set("shop/web", [], 1);
  expect(drained(contents)).toEqual([]);
  expect(contents.elements("exported4")).toEqual([]);
});

test("the oldest end early when too many drain", () => {
  const contents = new FilterContents();
  const ways = new DrainingWays(contents);
  const many = (at: number): readonly SetElement[] =>
    Array.from({ length: 30_000 }, (_, port) => ({
      set: "imported4",
      element: `242.2.1.${at} . tcp . ${port + 1}`,
    }));
  for (const at of [1, 2, 3]) {
    ways.set("shop/web", many(at), at);
    ways.set("shop/web", [], at);
  }
  expect(contents.size("draining4")).toBe(60_000);
  expect(drained(contents)).not.toContain("242.2.1.1 . tcp . 1");
});
