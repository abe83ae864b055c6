import { describe, expect, test } from "vitest";
import { documentOf, parseSlice } from "./parse-slice.ts";

const GOOD = { clusters: ["west", "east"], namespaces: ["shop", "pay-*"] };

describe("parseSlice", () => {
  test("reads what an admin writes, and what it makes of it itself", () => {
    const slice = parseSlice("pay", {
      ...GOOD,
      podSelector: { matchLabels: { app: "web" } },
      bandwidth: { floor: "50Mbit", ceiling: "1.5Gbit" },
    });
    expect(slice).toEqual({
      ok: true,
      value: {
        name: "pay",
        clusters: ["east", "west"],
        namespaces: ["shop", "pay-*"],
        podLabels: { app: "web" },
        bandwidth: { floor: 50_000_000, ceiling: 1_500_000_000 },
      },
    });
    if (slice.ok) expect(parseSlice("pay", documentOf(slice.value))).toEqual(slice);
    const bare = parseSlice("pay", GOOD);
    expect(bare).toMatchObject({ value: { podLabels: {}, bandwidth: {} } });
    if (bare.ok) expect(parseSlice("pay", documentOf(bare.value))).toEqual(bare);
  });

  test.each([
    { name: "no clusters", document: { ...GOOD, clusters: [] }, want: /clusters: / },
    {
      name: "a cluster id that is none",
      document: { ...GOOD, clusters: ["A"] },
      want: /clusters\.0: .*"A"/,
    },
    {
      name: "a pattern that is none",
      document: { ...GOOD, namespaces: ["a*b"] },
      want: /namespaces\.0: .*"a\*b"/,
    },
    { name: "an unknown key", document: { ...GOOD, cluster: "a" }, want: /cluster/ },
    {
      name: "a rate in other words",
      document: { ...GOOD, bandwidth: { floor: "50 MB/s" } },
      want: /bandwidth\.floor/,
    },
    {
      name: "a rate of nothing",
      document: { ...GOOD, bandwidth: { ceiling: "0Mbit" } },
      want: /bandwidth\.ceiling/,
    },
    {
      name: "a floor above the ceiling",
      document: { ...GOOD, bandwidth: { floor: "2Mbit", ceiling: "1Mbit" } },
      want: /floor must be at most the ceiling/,
    },
  ])("refuses $name", ({ document, want }) => {
    const slice = parseSlice("pay", document);
    expect(slice.ok ? "accepted" : slice.error).toMatch(want);
  });

  test("refuses a name that is none", () => {
    expect(parseSlice("Pay", GOOD).ok).toBe(false);
  });
});
