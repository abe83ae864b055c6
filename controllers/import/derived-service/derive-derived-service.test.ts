import { describe, expect, test } from "vitest";
import type { Service } from "../../../api/kube/service.ts";
import { mergeExports } from "../../merge/merge-exports.ts";
import { anExport } from "../../testing/builders.ts";
import { deriveDerivedService, mustRecreate } from "./derive-derived-service.ts";
import { derivedServiceName } from "./derived-service-name.ts";

const OWNER = {
  apiVersion: "multicluster.x-k8s.io/v1beta1",
  kind: "ServiceImport",
  name: "web",
  uid: "u1",
};

function derived(fields: Partial<Parameters<typeof anExport>[0]> = {}): Service {
  const merged = mergeExports([anExport({ cluster: "a", ...fields })]);
  if (merged === undefined) throw new Error("nothing exported");
  return deriveDerivedService(merged, merged.ipFamilies, OWNER);
}

test("the name is the one other implementations use (VIP-11)", () => {
  expect(derivedServiceName("default", "full")).toBe("derived-9jo8ljlgl7");
});

test("a policy the winner does not state is stated as the default: an earlier winner's must not stay", () => {
  const { internalTrafficPolicy: _, ...older } = anExport({ cluster: "a" });
  const merged = mergeExports([older]);
  if (merged === undefined) throw new Error("nothing exported");
  expect(deriveDerivedService(merged, ["IPv4"], OWNER).spec.internalTrafficPolicy).toBe("Cluster");
});

describe("mustRecreate (IMP-31)", () => {
  const ip = derived();
  const headless = derived({ type: "Headless" });
  const headless6 = derived({ type: "Headless", ipFamilies: ["IPv6", "IPv4"] });

  test.each([
    { name: "the same", from: ip, to: ip, want: false },
    { name: "address to headless", from: ip, to: headless, want: true },
    { name: "headless to address", from: headless, to: ip, want: true },
    { name: "headless, another first family", from: headless, to: headless6, want: true },
    {
      name: "a second family more",
      from: ip,
      to: derived({ ipFamilies: ["IPv4", "IPv6"] }),
      want: false,
    },
  ])("$name", ({ from, to, want }) => {
    expect(mustRecreate(from, to)).toBe(want);
  });
});
