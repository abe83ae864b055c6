import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { testCluster } from "../wire/row-arbitrary.ts";
import { aNetworkRow, anEndpointsRow, anExportRow } from "../wire/test-rows.ts";
import { checkRow } from "./check-row.ts";
import { type HubPolicy, isSamePolicy } from "./cluster-policy.ts";
import { isClaimed, isForeign, isHidden, visibilityOf } from "./cluster-slices.ts";
import { parsePolicy } from "./parse-policy.ts";

const [A, B, C] = [testCluster("a"), testCluster("b"), testCluster("c")];

function policyOf(text: string): HubPolicy {
  const parsed = parsePolicy(text);
  if (!parsed.ok) throw new Error(parsed.error);
  return parsed.value;
}

const PAY = "slices: {pay: {clusters: [a, b], namespaces: [shop, pay*]}}";

describe("slices of the hub's policy", () => {
  test.each([
    { who: A, owner: B, namespace: "shop", hidden: false },
    { who: A, owner: C, namespace: "shop", hidden: true },
    { who: C, owner: A, namespace: "shop", hidden: true },
    { who: C, owner: A, namespace: "pay-eu", hidden: true },
    { who: C, owner: A, namespace: "dev", hidden: false },
    { who: A, owner: C, namespace: "dev", hidden: false },
  ])("$who may not see $namespace of $owner: $hidden", ({ who, owner, namespace, hidden }) => {
    expect(isHidden(policyOf(PAY).of(who).slices, owner, namespace)).toBe(hidden);
  });

  test("what is hidden is hidden both ways, never from oneself inside a slice, and only where a slice has the namespace", () => {
    const text = `${PAY.slice(0, -1)}, eu: {clusters: [c], namespaces: [shop]}}`;
    const slicesOf = (id: string) => policyOf(text).of(testCluster(id)).slices;
    const someone = fc.constantFrom("a", "b", "c", "d");
    fc.assert(
      fc.property(someone, someone, fc.constantFrom("shop", "pay", "dev"), (one, other, name) => {
        const hidden = isHidden(slicesOf(one), testCluster(other), name);
        expect(isHidden(slicesOf(other), testCluster(one), name)).toBe(hidden);
        if (!isClaimed(slicesOf(one), name)) expect(hidden).toBe(false);
        if (one === other) expect(hidden).toBe(isForeign(slicesOf(one), name));
      }),
    );
  });

  test("a cluster outside cannot add to a service of a slice: its rows of the namespace are refused, without naming the slice", () => {
    const outside = policyOf(PAY).of(C);
    const checked = checkRow(outside, anExportRow({ cluster: C }), 100);
    expect(checked.ok ? "" : checked.error).toBe(
      'namespace must be of a slice that cluster c is in, since the hub\'s policy has it in slices: got "shop"',
    );
    expect(checkRow(outside, anEndpointsRow({ cluster: C }), 100).ok).toBe(false);
    expect(checkRow(outside, anExportRow({ cluster: C, namespace: "dev" }), 100).ok).toBe(true);
    expect(checkRow(outside, aNetworkRow({ cluster: C }), 100).ok).toBe(true);
    expect(checkRow(policyOf(PAY).of(A), anExportRow({ cluster: A }), 100).ok).toBe(true);
  });

  test.each([
    { name: "a cluster joins", text: PAY.replace("[a, b]", "[a, b, c]"), isSeenAlike: false },
    { name: "a namespace more", text: PAY.replace("pay*", "pay*, x"), isSeenAlike: false },
    {
      name: "bandwidth",
      text: PAY.replace("pay*]", "pay*], bandwidth: {ceiling: 1Mbit}"),
      isSeenAlike: true,
    },
  ])("a change is another policy for those inside: $name", ({ text, isSeenAlike }) => {
    const [before, after] = [policyOf(PAY).of(A), policyOf(text).of(A)];
    expect(isSamePolicy(before, after)).toBe(false);
    expect(visibilityOf(before.slices) === visibilityOf(after.slices)).toBe(isSeenAlike);
  });

  test("a change of bandwidth is none for those outside, who learn only which namespaces are not for them", () => {
    const changed = PAY.replace("pay*]", "pay*], bandwidth: {ceiling: 1Mbit}");
    expect(isSamePolicy(policyOf(PAY).of(C), policyOf(changed).of(C))).toBe(true);
    expect(policyOf(PAY).of(C).slices).toEqual({ own: [], foreign: ["pay*", "shop"] });
  });

  test.each([
    {
      name: "two slices that want the same",
      text: "slices: {x: {clusters: [a], namespaces: [s*]}, y: {clusters: [a], namespaces: [shop]}}",
      want: /slices: namespace must be of one slice in a cluster: slices x .* and y .* in a/,
    },
    {
      name: "an unknown key",
      text: "slices: {x: {clusters: [a], namespaces: [s], limit: 3}}",
      want: /slices\.x: must hold known keys only: got limit/,
    },
    {
      name: "a name that is none",
      text: "slices: {X: {clusters: [a], namespaces: [s]}}",
      want: /slices.*"X"/,
    },
    {
      name: "a rate that is none",
      text: "slices: {x: {clusters: [a], namespaces: [s], bandwidth: {floor: fast}}}",
      want: /slices\.x\.bandwidth\.floor/,
    },
  ])("a document is refused: $name", ({ text, want }) => {
    const parsed = parsePolicy(text);
    expect(parsed.ok ? "accepted" : parsed.error).toMatch(want);
  });
});
