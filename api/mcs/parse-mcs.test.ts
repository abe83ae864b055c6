import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { parseServiceExport } from "./parse-service-export.ts";
import { parseServiceImport } from "./parse-service-import.ts";

const head = (kind: string, version: string) => ({
  apiVersion: `multicluster.x-k8s.io/${version}`,
  kind,
  metadata: { namespace: "shop", name: "web" },
});
const condition = {
  type: "Valid",
  status: "True",
  reason: "Valid",
  message: "",
  lastTransitionTime: "2026-01-01T00:00:00Z",
};

describe.each(["v1beta1", "v1alpha1"])("ServiceExport %s", (version) => {
  test("keeps what is well-formed", () => {
    const object = {
      ...head("ServiceExport", version),
      spec: { exportedLabels: { a: "b" }, exportedAnnotations: { c: "d" } },
      status: { conditions: [condition] },
    };
    expect(parseServiceExport(object)).toEqual({ value: object, problems: [] });
  });

  test("may have no spec at all (EXP-03)", () => {
    expect(parseServiceExport(head("ServiceExport", version))).toMatchObject({ problems: [] });
  });

  test.each([
    { spec: "x", problem: 'cannot use spec: must be an object: got "x"' },
    {
      spec: { exportedLabels: ["a"] },
      problem: 'cannot use exportedLabels: must be a map of strings: got ["a"]',
    },
    {
      spec: { exportedLabels: { a: 1 } },
      problem: "cannot use exportedLabels.a: must be a string: got 1",
    },
  ])("leaves out and says: $problem", ({ spec, problem }) => {
    const parsed = parseServiceExport({ ...head("ServiceExport", version), spec } as never);
    expect(parsed.problems).toEqual([problem]);
  });
});

describe.each(["v1beta1", "v1alpha1"])("ServiceImport %s", (version) => {
  test("keeps what is well-formed", () => {
    const object = {
      ...head("ServiceImport", version),
      spec: {
        type: "ClusterSetIP",
        ports: [{ name: "http", protocol: "TCP", appProtocol: "http", port: 80 }],
        ips: ["10.96.0.7"],
        ipFamilies: ["IPv4"],
        sessionAffinity: "ClientIP",
        sessionAffinityConfig: { clientIP: { timeoutSeconds: 10 } },
        internalTrafficPolicy: "Cluster",
        trafficDistribution: "PreferClose",
      },
      status: {
        clusters: [{ cluster: "a" }],
        conditions: [condition],
        endpointSliceObjects: "Present",
      },
    };
    expect(parseServiceImport(object)).toEqual({ value: object, problems: [] });
  });

  test.each([
    { name: "no spec", spec: undefined, want: { type: "ClusterSetIP", ports: [] } },
    {
      name: "null ports (IMP-09)",
      spec: { type: "Headless", ports: null },
      want: { type: "Headless", ports: [] },
    },
    {
      name: "a port without a protocol (IMP-11)",
      spec: { type: "Headless", ports: [{ port: 80 }] },
      want: { type: "Headless", ports: [{ protocol: "TCP", port: 80 }] },
    },
    {
      name: "items of the wrong shape",
      spec: { type: "VIP", ports: [{ port: "80" }, 7], ips: [1, "10.0.0.1"], ipFamilies: ["IPv5"] },
      want: { type: "ClusterSetIP", ports: [], ips: ["10.0.0.1"], ipFamilies: [] },
    },
  ])("$name", ({ spec, want }) => {
    const parsed = parseServiceImport({ ...head("ServiceImport", version), spec } as never);
    expect(parsed.value.spec).toEqual(want);
  });
});

test("whatever stands in spec and status, parsing ends and gives the shape", () => {
  fc.assert(
    fc.property(fc.anything(), fc.anything(), (spec, status) => {
      const parsed = parseServiceImport({
        ...head("ServiceImport", "v1beta1"),
        spec,
        status,
      } as never);
      expect(Array.isArray(parsed.value.spec.ports)).toBe(true);
      expect(parseServiceImport(parsed.value)).toEqual({ value: parsed.value, problems: [] });
      parseServiceExport({ ...head("ServiceExport", "v1beta1"), spec, status } as never);
    }),
  );
});
