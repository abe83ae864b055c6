import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Hello } from "../../api/broker/broker.gen.ts";
import { LIMITS } from "../wire/limits.ts";
import { parseHello, parseSubscribe } from "./parse-hello.ts";

const hello: Hello = {
  protocolVersions: [1],
  storeEpoch: "e1",
  namespaces: ["shop"],
  known: [{ clusterId: "b", incarnation: 3, sequence: 9 }],
  cidrs: ["10.0.0.0/8"],
  capabilities: [],
  ownDigest: new Uint8Array(),
};

function many<T>(count: number, make: (at: number) => T): T[] {
  return Array.from({ length: count }, (_, at) => make(at));
}

describe("Hello", () => {
  test("gives what it says", () => {
    expect(parseHello(hello)).toMatchObject({
      ok: true,
      value: {
        protocolVersion: 1,
        storeEpoch: "e1",
        namespaces: ["shop"],
        known: [{ cluster: "b", incarnation: 3, sequence: 9 }],
      },
    });
  });

  test("takes the member's best version that the broker speaks too", () => {
    const parsed = parseHello({ ...hello, protocolVersions: [7, 2, 1] });
    expect(parsed.ok && parsed.value.protocolVersion).toBe(1);
  });

  test.each<{ name: string; change: Partial<Hello>; error: RegExp }>([
    {
      name: "no version",
      change: { protocolVersions: [] },
      error: /^protocol version must be one the broker speaks \(1\): got \[\]$/,
    },
    {
      name: "later versions, shown up to ten",
      change: { protocolVersions: many(20, (at) => at + 2) },
      error: /got \[2, 3, 4, 5, 6, 7, 8, 9, 10, 11\]$/,
    },
    {
      name: "a namespace that is none",
      change: { namespaces: ["shop", "Shop"] },
      error: /^.*namespace.*"Shop"$/,
    },
    {
      name: "too many namespaces",
      change: { namespaces: many(LIMITS.namespacesPerMember + 1, (at) => `n${at}`) },
      error: /^namespaces must be at most 50000: got 50001$/,
    },
    {
      name: "a cluster id that is none",
      change: { known: [{ clusterId: "a.b", incarnation: 1, sequence: 1 }] },
      error: /cluster id.*"a\.b"/,
    },
    {
      name: "too many owners",
      change: {
        known: many(LIMITS.knownOwners + 1, (at) => ({
          clusterId: `c${at}`,
          incarnation: 1,
          sequence: 1,
        })),
      },
      error: /^known owners must be at most 5000: got 5001$/,
    },
    { name: "a CIDR that is none", change: { cidrs: ["10.0.0.0/40"] }, error: /10\.0\.0\.0\/40/ },
    {
      name: "too many CIDRs",
      change: { cidrs: many(LIMITS.cidrsPerMember + 1, (at) => `10.${at}.0.0/16`) },
      error: /at most 64.*got 65/,
    },
  ])("is refused with the rule and the value seen: $name", ({ change, error }) => {
    const parsed = parseHello({ ...hello, ...change });
    expect(parsed.ok ? "accepted" : parsed.error).toMatch(error);
  });

  test("never throws, whatever it holds", () => {
    const text = fc.oneof(fc.string(), fc.constantFrom("a", "shop", "10.0.0.0/8", "::/0"));
    const anyHello = fc.record({
      protocolVersions: fc.array(fc.nat()),
      storeEpoch: fc.string(),
      namespaces: fc.array(text),
      known: fc.array(
        fc.record({ clusterId: text, incarnation: fc.double(), sequence: fc.double() }),
      ),
      cidrs: fc.array(text),
      capabilities: fc.array(text),
      ownDigest: fc.uint8Array(),
    });
    fc.assert(fc.property(anyHello, (value) => typeof parseHello(value).ok === "boolean"));
  });
});

describe("Subscribe", () => {
  test.each([
    { name: "add", subscribe: { add: ["X"], remove: [], generation: 1 } },
    { name: "remove", subscribe: { add: [], remove: ["X"], generation: 1 } },
  ])("must name namespaces in $name", ({ subscribe }) => {
    const parsed = parseSubscribe(subscribe);
    expect(parsed.ok ? "accepted" : parsed.error).toMatch(/namespace.*"X"/);
  });

  test("gives what it says", () => {
    const subscribe = { add: ["n1"], remove: ["n2"], generation: 4 };
    expect(parseSubscribe(subscribe)).toEqual({ ok: true, value: subscribe });
  });
});
