import { describe, expect, test } from "vitest";
import { testCluster } from "../wire/row-arbitrary.ts";
import { type ClusterPolicy, isSamePolicy, UNLIMITED } from "./cluster-policy.ts";
import { parsePolicy } from "./parse-policy.ts";

function policyOf(cluster: string, text: string): ClusterPolicy {
  const parsed = parsePolicy(text);
  if (!parsed.ok) throw new Error(parsed.error);
  return parsed.value.of(testCluster(cluster));
}

const DOCUMENT = `
defaults:
  export: { deny: [kube-*, secret] }
  import: { allow: [shop, team-*] }
  maxExports: 100
  writesPerSecond: 50
clusters:
  east:
    export: { allow: [shop] }
    maxExports: 5
    maxEndpoints: 50
    maxRowBytes: 4096
    cidrs: [10.1.0.0/16, "fd00:1::/64"]
`;

describe("a policy document", () => {
  test("a cluster's entry replaces the defaults setting by setting; what it does not say stays", () => {
    expect(policyOf("east", DOCUMENT)).toMatchObject({
      exports: { allow: ["shop"], deny: ["kube-*", "secret"] },
      imports: { allow: ["shop", "team-*"], deny: [] },
      maxExports: 5,
      maxEndpoints: 50,
      maxRowBytes: 4096,
      writesPerSecond: 50,
      cidrs: ["10.1.0.0/16", "fd00:1::/64"],
    });
  });

  test("clusters that it does not name have the defaults, and the broker's bounds beyond them", () => {
    const west = policyOf("west", DOCUMENT);
    expect(west).toMatchObject({
      exports: { allow: [], deny: ["kube-*", "secret"] },
      maxExports: 100,
    });
    expect([west.maxEndpoints, west.maxRowBytes]).toEqual([
      UNLIMITED.maxEndpoints,
      UNLIMITED.maxRowBytes,
    ]);
    expect(isSamePolicy(policyOf("east", "{}"), UNLIMITED)).toBe(true);
  });

  test("addresses are tested against the cluster's networks", () => {
    const { networks } = policyOf("east", DOCUMENT);
    expect(networks.contains("IPv4", "10.1.2.3")).toBe(true);
    expect(networks.contains("IPv4", "10.2.2.3")).toBe(false);
    expect(networks.contains("IPv6", "fd00:1::9")).toBe(true);
    expect(networks.contains("IPv6", "fd00:2::9")).toBe(false);
  });

  test.each([
    {
      name: "an unknown key",
      text: "limits: 3",
      want: /document: must hold known keys only: got limits/,
    },
    {
      name: "an unknown key of a cluster",
      text: "clusters: {east: {maxExport: 3}}",
      want: /clusters\.east: must hold known keys only: got maxExport/,
    },
    { name: "a cluster id that is none", text: "clusters: {East: {}}", want: /clusters.*"East"/ },
    {
      name: "a pattern that is none",
      text: "defaults: {export: {deny: [a*b]}}",
      want: /defaults\.export\.deny\.0: must be a namespace pattern: got "a\*b"/,
    },
    {
      name: "a network that is none",
      text: "clusters: {east: {cidrs: [10.0.0.0/40]}}",
      want: /clusters\.east\.cidrs: cidr must be .*10\.0\.0\.0\/40/,
    },
    {
      name: "a row larger than any",
      text: "defaults: {maxRowBytes: 300000}",
      want: /maxRowBytes: .*262144.*: got 300000/,
    },
    {
      name: "a pace of nothing",
      text: "defaults: {writesPerSecond: 0}",
      want: /writesPerSecond: .*: got 0/,
    },
    {
      name: "a number in words",
      text: "defaults: {maxExports: few}",
      want: /maxExports: .*: got "few"/,
    },
    { name: "an emptied file", text: "", want: /document: / },
  ])("is refused with path, rule and value: $name", ({ text, want }) => {
    const parsed = parsePolicy(text);
    expect(parsed.ok ? "accepted" : parsed.error).toMatch(want);
  });
});

describe("isSamePolicy", () => {
  test.each([
    {
      name: "formatting",
      a: "defaults: {maxExports: 3}",
      b: "defaults:\n  maxExports: 3",
      want: true,
    },
    {
      name: "another cluster's entry",
      a: "{}",
      b: "clusters: {west: {maxExports: 3}}",
      want: true,
    },
    { name: "a limit", a: "{}", b: "defaults: {maxExports: 3}", want: false },
    { name: "a network", a: "{}", b: "clusters: {east: {cidrs: [10.0.0.0/8]}}", want: false },
    { name: "a pattern", a: "{}", b: "clusters: {east: {import: {deny: [x]}}}", want: false },
  ])("$name", ({ a, b, want }) => {
    expect(isSamePolicy(policyOf("east", a), policyOf("east", b))).toBe(want);
  });
});
