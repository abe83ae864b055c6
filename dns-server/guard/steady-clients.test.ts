import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { SteadyClients } from "./steady-clients.ts";

const LIMITS = { spanMs: 1000, spans: 10, seenIn: 3, notedMax: 8, steadyMax: 2 };

describe("steady clients", () => {
  test.each<
    readonly [name: string, seen: readonly (readonly [string, number])[], steady: readonly string[]]
  >([
    ["nobody at first", [], []],
    [
      "not who asked much at once",
      [
        ["a", 0],
        ["a", 10],
        ["a", 20],
        ["a", 30],
      ],
      [],
    ],
    [
      "who asked in three spans",
      [
        ["a", 0],
        ["a", 1000],
        ["a", 2000],
      ],
      ["a"],
    ],
    [
      "spans need not follow each other",
      [
        ["a", 0],
        ["a", 3000],
        ["a", 9000],
      ],
      ["a"],
    ],
    [
      "who asked most goes first, and no more than allowed",
      [
        ...[0, 1000, 2000].flatMap(
          (at) =>
            [
              ["c", at],
              ["b", at],
              ["b", at],
              ["a", at],
              ["a", at],
              ["a", at],
            ] as const,
        ),
      ],
      ["a", "b"],
    ],
  ])("%s", (_, seen, steady) => {
    const clients = new SteadyClients(LIMITS);
    for (const [address, atMs] of seen) clients.saw(address, atMs);
    expect(clients.steady()).toEqual(steady);
  });

  test("who has not asked for as many spans as are remembered is forgotten", () => {
    const clients = new SteadyClients(LIMITS);
    for (const at of [0, 1000, 2000]) clients.saw("a", at);
    for (let span = 3; span < 13; span++) clients.saw("b", span * 1000);
    expect(clients.steady()).toEqual(["b"]);
  });

  test("a pause in which nobody is told of forgets nobody", () => {
    const clients = new SteadyClients(LIMITS);
    for (const at of [0, 1000, 2000]) clients.saw("a", at);
    clients.saw("b", 3_600_000);
    expect(clients.steady()).toEqual(["a"]);
  });

  test("who is noted first in each span stays, whatever else comes", () => {
    fc.assert(
      fc.property(
        fc.array(fc.array(fc.nat(10_000), { maxLength: 50 }), { minLength: 3, maxLength: 10 }),
        (flood) => {
          const clients = new SteadyClients(LIMITS);
          for (const [span, addresses] of flood.entries()) {
            // As much as all the others together: who asks more than each of them is not crowded out.
            for (let times = 0; times <= addresses.length; times++)
              clients.saw("resolver", span * 1000);
            for (const address of addresses) clients.saw(`f${address}`, span * 1000 + 1);
          }
          expect(clients.steady()[0]).toBe("resolver");
          expect(clients.steady().length).toBeLessThanOrEqual(LIMITS.steadyMax);
        },
      ),
    );
  });
});
