import { expect, test } from "vitest";
import type { EndpointSlice } from "../../api/kube/endpoint-slice.ts";
import type { ServiceExport } from "../../api/mcs/service-export.ts";
import type { ServiceImport } from "../../api/mcs/service-import.ts";
import { isGood } from "./check.ts";
import { missingOfExport, missingOfImport, readyEndpoints } from "./judge.ts";

const about = { reason: "R", message: "why", lastTransitionTime: "2026-01-01T00:00:00Z" };

function anExport(conditions: Readonly<Record<string, "True" | "False">>): ServiceExport {
  const list = Object.entries(conditions).map(([type, status]) => ({ ...about, type, status }));
  return {
    apiVersion: "multicluster.x-k8s.io/v1beta1",
    kind: "ServiceExport",
    metadata: { name: "verify" },
    status: { conditions: list },
  };
}

test.each([
  [undefined, "the ServiceExport is gone"],
  [anExport({}), "no controller has looked at the ServiceExport"],
  [anExport({ Valid: "False" }), "Valid is False: why"],
  [anExport({ Valid: "True", Conflict: "True" }), "Conflict: why"],
  [anExport({ Valid: "True", Conflict: "False" }), undefined],
])("an export %#", (found, want) => {
  expect(missingOfExport(found)).toBe(want);
});

function anImport(
  clusters: readonly string[],
  ips: readonly string[],
  ready: "True" | "False" | undefined,
): ServiceImport {
  const conditions = ready === undefined ? [] : [{ ...about, type: "Ready", status: ready }];
  return {
    apiVersion: "multicluster.x-k8s.io/v1beta1",
    kind: "ServiceImport",
    metadata: { name: "verify" },
    spec: { type: "ClusterSetIP", ips: [...ips], ports: [] },
    status: { clusters: clusters.map((cluster) => ({ cluster })), conditions },
  };
}

test.each([
  [undefined, "no ServiceImport"],
  [anImport(["west"], ["10.0.0.1"], "True"), "status.clusters must name east: got west"],
  [anImport(["east"], [], "True"), "no clusterset IP"],
  [anImport(["east"], ["10.0.0.1"], undefined), "Ready is not set"],
  [anImport(["east"], ["10.0.0.1"], "False"), "Ready is False: why"],
  [anImport(["east"], ["10.0.0.1"], "True"), undefined],
])("an import %#", (found, want) => {
  expect(missingOfImport(found, "east")).toBe(want);
});

test("endpoints that are ready, of one cluster", () => {
  const slice = (cluster: string, ready: boolean | undefined, address: string): EndpointSlice => ({
    apiVersion: "discovery.k8s.io/v1",
    kind: "EndpointSlice",
    metadata: { name: address, labels: { "multicluster.kubernetes.io/source-cluster": cluster } },
    addressType: "IPv4",
    endpoints: [{ addresses: [address], conditions: ready === undefined ? {} : { ready } }],
  });
  const slices = [slice("east", true, "a"), slice("east", false, "b"), slice("west", true, "c")];
  expect(readyEndpoints([...slices, slice("east", undefined, "d")], "east")).toEqual(["a", "d"]);
});

test("good is: something passed and nothing failed; nothing looked at is not good", () => {
  const check = (result: "passed" | "failed" | "not tested") =>
    ({ from: "a", at: "b", check: "c", detail: "", result }) as const;
  expect(isGood([])).toBe(false);
  expect(isGood([check("not tested")])).toBe(false);
  expect(isGood([check("passed"), check("not tested")])).toBe(true);
  expect(isGood([check("passed"), check("failed")])).toBe(false);
});
