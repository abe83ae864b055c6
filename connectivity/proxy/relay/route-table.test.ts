import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { ClusterId } from "../../../api/cluster-id.ts";
import { err, ok } from "../../../api/result.ts";
import { FRAME, maxPayloadBytes } from "../frame/frame-type.ts";
import { linkCost, MAX_RELAYS, MAX_ROUTES, type Route, RouteTable } from "./route-table.ts";
import { decodeRoutes, encodeRoutes } from "./routes-payload.ts";

const id = (name: string): ClusterId => name as ClusterId;
const NAMES = ["a", "b", "c", "d", "e", "f"].map(id);

/** Exchanges announcements over these links until nothing changes; throws when that takes too long. */
function converge(
  links: readonly (readonly [ClusterId, ClusterId, number])[],
): Map<ClusterId, RouteTable> {
  const tables = new Map(NAMES.map((name) => [name, new RouteTable(name)]));
  for (const [a, b, cost] of links) {
    tables.get(a)?.setLink(b, cost);
    tables.get(b)?.setLink(a, cost);
  }
  settle(tables, links);
  return tables;
}

function settle(
  tables: Map<ClusterId, RouteTable>,
  links: readonly (readonly [ClusterId, ClusterId, number])[],
): void {
  const both = links.flatMap(([a, b]) => [[a, b] as const, [b, a] as const]);
  let before = "";
  for (let round = 0; round < 20; round++) {
    const said = both.map(
      ([from, to]) => [from, to, tables.get(from)?.announcementFor(to)] as const,
    );
    const now = JSON.stringify(said);
    if (now === before) return;
    before = now;
    for (const [from, to, routes] of said) tables.get(to)?.setAnnounced(from, routes ?? []);
  }
  throw new Error("announcements do not come to rest");
}

const link = fc
  .tuple(fc.constantFrom(...NAMES), fc.constantFrom(...NAMES), fc.integer({ min: 1, max: 500 }))
  .filter(([a, b]) => a < b);
const anyLinks = fc.uniqueArray(link, { maxLength: 12, selector: ([a, b]) => `${a} ${b}` });

describe("ways through other members", () => {
  test("the cheapest is taken, and the next when it is lost", () => {
    const links = [
      [id("a"), id("b"), 10],
      [id("b"), id("d"), 10],
      [id("a"), id("c"), 5],
      [id("c"), id("d"), 50],
    ] as const;
    const tables = converge(links);
    expect(tables.get(id("a"))?.best(id("d"))).toEqual({ to: "d", cost: 20, path: ["b"] });
    for (const [a, b] of [
      ["a", "b"],
      ["b", "a"],
    ])
      tables.get(id(a ?? ""))?.setLink(id(b ?? ""), undefined);
    settle(tables, links.slice(1));
    expect(tables.get(id("a"))?.best(id("d"))).toEqual({ to: "d", cost: 55, path: ["c"] });
  });

  test("of each neighbour its cheapest way is told, the best neighbour first", () => {
    const table = new RouteTable(id("a"));
    for (const [via, cost] of [
      ["b", 20],
      ["c", 10],
      ["e", 10],
    ] as const)
      table.setLink(id(via), cost);
    table.setAnnounced(id("b"), [
      { to: id("d"), cost: 40, path: [id("b"), id("f")] },
      { to: id("d"), cost: 10, path: [id("b")] },
    ]);
    table.setAnnounced(id("c"), [{ to: id("d"), cost: 10, path: [id("c")] }]);
    table.setAnnounced(id("e"), [{ to: id("f"), cost: 10, path: [id("e")] }]);
    expect(table.waysTo(id("d"))).toEqual([
      { to: "d", cost: 20, path: ["c"] },
      { to: "d", cost: 30, path: ["b"] },
    ]);
    table.setLink(id("c"), undefined);
    expect(table.waysTo(id("d"))).toEqual([{ to: "d", cost: 30, path: ["b"] }]);
  });

  test("in any network: no loops, no more relays than allowed, every step is a link, and it comes to rest", () => {
    fc.assert(
      fc.property(anyLinks, (links) => {
        const tables = converge(links);
        const costs = new Map(
          links.flatMap(([a, b, cost]) => [
            [`${a}${b}`, cost],
            [`${b}${a}`, cost],
          ]),
        );
        for (const [from, table] of tables) {
          for (const to of NAMES) {
            const route = table.best(to);
            if (route === undefined) continue;
            const way = [from, ...route.path, to];
            expect(new Set(way).size).toBe(way.length);
            expect(route.path.length).toBeLessThanOrEqual(MAX_RELAYS);
            const steps = way.slice(1).map((member, at) => costs.get(`${way[at]}${member}`));
            expect(steps).not.toContain(undefined);
            expect(steps.reduce((sum: number, cost) => sum + (cost ?? 0), 0)).toBe(route.cost);
          }
        }
      }),
    );
  });

  test("a neighbour is not believed when it speaks for others, or sends us to ourselves", () => {
    const table = new RouteTable(id("a"));
    table.setLink(id("b"), 1);
    const lies: Route[] = [
      { to: id("d"), cost: 1, path: [id("c")] },
      { to: id("d"), cost: 1, path: [] },
      { to: id("d"), cost: 1, path: [id("b"), id("a")] },
      { to: id("a"), cost: 1, path: [id("b")] },
      { to: id("d"), cost: -5, path: [id("b")] },
      { to: id("d"), cost: 1, path: [id("b"), id("c"), id("e"), id("f")] },
    ];
    table.setAnnounced(id("b"), lies);
    expect(table.best(id("d"))).toBeUndefined();
    expect(table.best(id("a"))).toBeUndefined();
  });

  test("of one neighbour so many routes are believed and told on", () => {
    const names = Array.from({ length: MAX_ROUTES + 100 }, (_, n) => id(`m-${n}`));
    const table = new RouteTable(id("a"));
    table.setLink(id("b"), 1);
    const routes = names.map((to): Route => ({ to, cost: 1, path: [id("b")] }));
    table.setAnnounced(id("b"), routes);
    const ways = names.filter((to) => table.best(to) !== undefined);
    expect(ways).toHaveLength(MAX_ROUTES);
    expect(table.announcementFor(id("c"))).toHaveLength(MAX_ROUTES);
    // Fewer are heard of the next time: all of them count.
    table.setAnnounced(id("b"), routes.slice(-3));
    expect(names.filter((to) => table.best(to) !== undefined)).toEqual(names.slice(-3));
  });

  test("however long the names are, what is told fits in a frame", () => {
    const long = (n: number): ClusterId => id(`${n}-`.padEnd(63, "x"));
    const routes = Array.from(
      { length: MAX_ROUTES },
      (_, n): Route => ({ to: long(n), cost: 1, path: [long(1_000), long(1_001), long(1_002)] }),
    );
    const payload = encodeRoutes(routes);
    expect(payload.length).toBeLessThanOrEqual(maxPayloadBytes(FRAME.routes));
    const told = decodeRoutes(payload);
    if (!told.ok) throw new Error(told.error);
    expect(told.value.length).toBeGreaterThan(200);
    expect(told.value).toEqual(routes.slice(0, told.value.length));
  });

  test("small changes of the round trip change no cost, and a hop costs something by itself", () => {
    expect(linkCost(0.2)).toBe(linkCost(4.9));
    expect(linkCost(12)).toBeGreaterThan(linkCost(4));
    expect(linkCost(0)).toBeGreaterThan(0);
  });

  test("routes travel as they are, and what is none is refused", () => {
    const routes: Route[] = [
      { to: id("d"), cost: 70_000, path: [id("b")] },
      { to: id("e"), cost: 1, path: [id("b"), id("c")] },
    ];
    expect(decodeRoutes(encodeRoutes(routes))).toEqual(ok(routes));
    expect(decodeRoutes(Uint8Array.of(0xff, 0xff))).toEqual(
      err(expect.stringContaining("at most 512")),
    );
    expect(decodeRoutes(Uint8Array.of(0, 1))).toEqual(err(expect.any(String)));
    fc.assert(fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => void decodeRoutes(bytes)));
  });
});
