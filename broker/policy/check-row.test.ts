import { describe, expect, test } from "vitest";
import { testCluster } from "../wire/row-arbitrary.ts";
import { aNetworkRow, anEndpointsRow, anExportRow } from "../wire/test-rows.ts";
import { checkHoldings, checkRow, holdingsOf, NO_HOLDINGS } from "./check-row.ts";
import type { ClusterPolicy } from "./cluster-policy.ts";
import { parsePolicy } from "./parse-policy.ts";

function policy(entry: string): ClusterPolicy {
  const parsed = parsePolicy(`defaults: ${entry}`);
  if (!parsed.ok) throw new Error(parsed.error);
  return parsed.value.of(testCluster("a"));
}

function at(addresses: readonly string[], addressType: "IPv4" | "IPv6" = "IPv4") {
  const endpoints = [{ addresses, ready: true, serving: true, terminating: false }];
  return anEndpointsRow({ addressType, endpoints });
}

describe("checkRow: a row by itself", () => {
  test.each([
    { name: "no rule", entry: "{}", row: anExportRow(), want: "ok" },
    {
      name: "a denied namespace",
      entry: "{export: {deny: [sh*]}}",
      row: anExportRow(),
      want: `namespace must be one that the hub's policy lets cluster a export from: got "shop": pattern "sh*" denies it`,
    },
    {
      name: "endpoints in a denied namespace",
      entry: "{export: {allow: [other]}}",
      row: anEndpointsRow(),
      want: `namespace must be one that the hub's policy lets cluster a export from: got "shop": no pattern of those that are allowed (other) matches it`,
    },
    {
      name: "too large",
      entry: "{maxRowBytes: 99}",
      row: anExportRow(),
      want: "row must be at most 99 bytes by the hub's policy for cluster a: got 100",
    },
    { name: "as large as may be", entry: "{maxRowBytes: 100}", row: anExportRow(), want: "ok" },
    {
      name: "an address outside",
      entry: "{cidrs: [10.1.0.0/16]}",
      row: at(["10.1.0.1", "10.2.0.1"]),
      want: `address must lie in the cidrs that the hub's policy gives cluster a (10.1.0.0/16): got "10.2.0.1"`,
    },
    {
      name: "addresses inside",
      entry: "{cidrs: [10.1.0.0/16]}",
      row: at(["10.1.0.1"]),
      want: "ok",
    },
    {
      name: "another family than the networks",
      entry: "{cidrs: [10.1.0.0/16]}",
      row: at(["fd00::1"], "IPv6"),
      want: `address must lie in the cidrs that the hub's policy gives cluster a (10.1.0.0/16): got "fd00::1"`,
    },
    {
      name: "networks say nothing of exports",
      entry: "{cidrs: [10.1.0.0/16]}",
      row: anExportRow(),
      want: "ok",
    },
  ])("$name", ({ entry, row, want }) => {
    const checked = checkRow(policy(entry), row, 100);
    expect(checked.ok ? "ok" : checked.error).toBe(want);
  });
});

describe("checkRow: what a cluster says about its network", () => {
  const said = (...podCidrs: readonly string[]) =>
    aNetworkRow({ cluster: testCluster("a"), podCidrs });
  test.each([
    { name: "no rule", entry: "{}", row: said("10.9.0.0/16"), want: "ok" },
    {
      name: "within",
      entry: "{cidrs: [10.1.0.0/16, fd00::/48]}",
      row: said("10.1.2.0/24", "fd00:0:0:1::/64"),
      want: "ok",
    },
    {
      name: "the whole of it",
      entry: "{cidrs: [10.1.0.0/16]}",
      row: said("10.1.0.0/16"),
      want: "ok",
    },
    { name: "none", entry: "{cidrs: [10.1.0.0/16]}", row: said(), want: "ok" },
    {
      name: "bits beyond the prefix in the document",
      entry: "{cidrs: [10.1.2.3/16]}",
      row: said("10.1.9.0/24"),
      want: "ok",
    },
    {
      name: "no namespace of it is denied",
      entry: "{export: {deny: ['*']}}",
      row: said("10.1.0.0/16"),
      want: "ok",
    },
    {
      name: "outside",
      entry: "{cidrs: [10.1.0.0/16]}",
      row: said("10.1.2.0/24", "10.2.0.0/24"),
      want: `pod network must lie in the cidrs that the hub's policy gives cluster a (10.1.0.0/16): got "10.2.0.0/24"`,
    },
    {
      name: "larger than allowed",
      entry: "{cidrs: [10.1.0.0/16]}",
      row: said("10.0.0.0/8"),
      want: `pod network must lie in the cidrs that the hub's policy gives cluster a (10.1.0.0/16): got "10.0.0.0/8"`,
    },
    {
      name: "over two of them",
      entry: "{cidrs: [10.0.0.0/16, 10.1.0.0/16]}",
      row: said("10.0.0.0/15"),
      want: `pod network must lie in the cidrs that the hub's policy gives cluster a (10.0.0.0/16, 10.1.0.0/16): got "10.0.0.0/15"`,
    },
    {
      name: "another family",
      entry: "{cidrs: [10.1.0.0/16]}",
      row: said("fd00::/64"),
      want: `pod network must lie in the cidrs that the hub's policy gives cluster a (10.1.0.0/16): got "fd00::/64"`,
    },
    {
      name: "too large a row",
      entry: "{maxRowBytes: 99, cidrs: [10.1.0.0/16]}",
      row: said("10.1.0.0/16"),
      want: "row must be at most 99 bytes by the hub's policy for cluster a: got 100",
    },
  ])("$name", ({ entry, row, want }) => {
    const checked = checkRow(policy(entry), row, 100);
    expect(checked.ok ? "ok" : checked.error).toBe(want);
  });

  test("it counts as no export and no endpoint", () => {
    expect(holdingsOf(said("10.1.0.0/16"))).toEqual(NO_HOLDINGS);
  });
});

describe("checkHoldings: all rows together", () => {
  const rules = policy("{maxExports: 2, maxEndpoints: 10}");
  test.each([
    { name: "up to the limit", before: [1, 9], after: [2, 10], isOk: true },
    { name: "one export more", before: [2, 0], after: [3, 0], isOk: false },
    { name: "one endpoint more", before: [2, 10], after: [2, 11], isOk: false },
    { name: "above the limit and shrinking", before: [5, 20], after: [5, 19], isOk: true },
    { name: "above the limit and the same", before: [5, 20], after: [5, 20], isOk: true },
  ])("$name", ({ before, after, isOk }) => {
    const holdings = ([exports = 0, endpoints = 0]: number[]) => ({ exports, endpoints });
    expect(checkHoldings(rules, holdings(before), holdings(after)).ok).toBe(isOk);
  });
});
