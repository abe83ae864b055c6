import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { ClusterId } from "../../../api/cluster-id.ts";
import { LEAVE_AFTER_LOOKS, MAX_WAYS, RelayWays } from "./relay-ways.ts";
import { HOP_COST, type Route } from "./route-table.ts";

const id = (name: string): ClusterId => name as ClusterId;
const way = (cost: number, ...path: string[]): Route => ({
  to: id("east"),
  cost,
  path: path.map(id),
});

/** Names of the neighbours after so many looks at the same. */
function lookAt(ways: RelayWays, routes: readonly Route[], times = 1): string {
  let seen = "";
  for (let n = 0; n < times; n++) seen = ways.look(routes).toSorted().join(" ");
  return seen;
}

describe("ways to a peer that are kept at once", () => {
  test.each<[string, string, Route[]]>([
    ["none where there is none", "", []],
    ["all there are", "a b", [way(20, "a"), way(90, "b")]],
    ["the cheapest of many", "a b c", [way(40, "d"), way(20, "a"), way(30, "c"), way(25, "b")]],
    [
      "none that shares a relay with a cheaper one",
      "a c",
      [way(20, "a"), way(30, "b", "a"), way(50, "c")],
    ],
    ["one, if all others need it", "a", [way(20, "a"), way(30, "b", "a"), way(30, "c", "a")]],
  ])("%s", (_name, want, routes) => {
    expect(lookAt(new RelayWays(), routes)).toBe(want);
  });

  test("a way that is gone is left at once, its place is taken at once, and it has none when it comes back", () => {
    const ways = new RelayWays();
    const [a, b, c, d] = [way(20, "a"), way(20, "b"), way(20, "c"), way(20, "d")];
    expect(lookAt(ways, [a, b, c, d])).toBe("a b c");
    expect(lookAt(ways, [b, c, d])).toBe("b c d");
    expect(lookAt(ways, [a, b, c, d], 2 * LEAVE_AFTER_LOOKS)).toBe("b c d");
  });

  test("a way is left for one that costs a hop less, after a while of it", () => {
    const ways = new RelayWays();
    const kept = [way(20, "a"), way(20, "b"), way(40, "c")];
    expect(lookAt(ways, kept)).toBe("a b c");
    const noise = [...kept, way(40 - HOP_COST + 1, "d")];
    expect(lookAt(ways, noise, 5 * LEAVE_AFTER_LOOKS)).toBe("a b c");
    const better = [...kept, way(40 - HOP_COST, "d")];
    expect(lookAt(ways, better, LEAVE_AFTER_LOOKS - 1)).toBe("a b c");
    // Once as it was, and it counts from the beginning.
    expect(lookAt(ways, kept)).toBe("a b c");
    expect(lookAt(ways, better, LEAVE_AFTER_LOOKS - 1)).toBe("a b c");
    expect(lookAt(ways, better)).toBe("a b d");
    expect(lookAt(ways, better, 5 * LEAVE_AFTER_LOOKS)).toBe("a b d");
  });

  test("the cheapest way comes even where a dear one with the same relay is kept", () => {
    const ways = new RelayWays();
    expect(lookAt(ways, [way(60, "c", "b")])).toBe("c");
    const both = [way(60, "c", "b"), way(20, "b")];
    expect(lookAt(ways, both, LEAVE_AFTER_LOOKS - 1)).toBe("c");
    expect(lookAt(ways, both)).toBe("b");
  });

  const NEIGHBOURS = ["a", "b", "c", "d", "e", "f"];
  const anyRoute = fc
    .tuple(
      fc.integer({ min: 10, max: 100 }),
      fc.uniqueArray(fc.constantFrom(...NEIGHBOURS), { minLength: 1, maxLength: 3 }),
    )
    .map(([cost, path]) => way(cost, ...path));
  const anyRoutes = fc.uniqueArray(anyRoute, { maxLength: 6, selector: ({ path }) => path[0] });

  test("whatever happens: no more than allowed, each of them offered, no relay in two of them, one if there is any", () => {
    fc.assert(
      fc.property(fc.array(anyRoutes, { minLength: 1, maxLength: 40 }), (looks) => {
        const ways = new RelayWays();
        for (const routes of looks) {
          const kept = ways.look(routes);
          const paths = kept.map((via) => routes.find(({ path }) => path[0] === via)?.path ?? []);
          expect(paths).not.toContainEqual([]);
          expect(new Set(paths.flat()).size).toBe(paths.flat().length);
          expect(kept.length).toBeLessThanOrEqual(MAX_WAYS);
          expect(kept.length > 0).toBe(routes.length > 0);
        }
      }),
    );
  });

  test("whatever was before: a world that stays as it is comes to rest, with a way that costs at most a hop more than the best", () => {
    fc.assert(
      fc.property(fc.array(anyRoutes, { maxLength: 10 }), anyRoutes, (before, routes) => {
        const ways = new RelayWays();
        for (const each of before) ways.look(each);
        const rest = lookAt(ways, routes, (MAX_WAYS + 1) * LEAVE_AFTER_LOOKS);
        expect(lookAt(ways, routes, 2 * LEAVE_AFTER_LOOKS)).toBe(rest);
        if (routes.length === 0) return;
        const costs = routes
          .filter(({ path }) => rest.split(" ").includes(path[0] ?? ""))
          .map(({ cost }) => cost);
        const best = Math.min(...routes.map(({ cost }) => cost));
        expect(Math.min(...costs)).toBeLessThan(best + HOP_COST);
      }),
    );
  });

  test("costs that go up and down by less than a hop change nothing, for as long as the ways are the same", () => {
    const noise = fc.array(fc.integer({ min: 0, max: HOP_COST - 1 }), {
      minLength: 6,
      maxLength: 6,
    });
    fc.assert(
      fc.property(fc.array(noise, { minLength: 2, maxLength: 100 }), (looks) => {
        const ways = new RelayWays();
        const seen = looks.map((more) =>
          lookAt(
            ways,
            NEIGHBOURS.map((name, at) => way(20 + (more[at] ?? 0), name)),
          ),
        );
        expect(new Set(seen).size).toBe(1);
      }),
    );
  });
});
