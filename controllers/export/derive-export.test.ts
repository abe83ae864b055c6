import { describe, expect, test } from "vitest";
import { aService, aServiceExport, clusterId } from "../testing/builders.ts";
import { deriveExportRow } from "./derive-export-row.ts";
import { exportVerdict } from "./export-verdict.ts";

describe("exportVerdict (section 1.3)", () => {
  test.each([
    { name: "ClusterIP", service: aService(), want: "valid" },
    { name: "NodePort", service: aService({ type: "NodePort" }), want: "valid" },
    { name: "LoadBalancer", service: aService({ type: "LoadBalancer" }), want: "valid" },
    { name: "headless", service: aService({ clusterIP: "None" }), want: "valid" },
    {
      name: "ExternalName, whose clusterIP is empty",
      service: aService({ type: "ExternalName", clusterIP: "" }),
      want: "InvalidServiceType",
    },
    { name: "no Service", service: undefined, want: "NoService" },
    {
      name: "Service being deleted",
      service: {
        ...aService(),
        metadata: { name: "web", namespace: "shop", deletionTimestamp: "2026-01-01T00:00:00Z" },
      },
      want: "NoService",
    },
    {
      name: "our own derived Service",
      service: {
        ...aService(),
        metadata: {
          name: "web",
          namespace: "shop",
          labels: { "isthmus.dev/managed-by": "isthmus.dev" },
        },
      },
      want: "InvalidServiceType",
    },
  ])("$name: $want", ({ service, want }) => {
    const verdict = exportVerdict("web", service);
    expect(verdict.kind === "valid" ? "valid" : verdict.reason).toBe(want);
  });
});

describe("deriveExportRow", () => {
  test("takes the Service's external properties and the export's own stamp (EXP-10, EXP-11)", () => {
    const row = deriveExportRow(
      clusterId("a"),
      aServiceExport({ created: "2026-05-01T10:00:00Z" }),
      aService({
        sessionAffinity: "ClientIP",
        sessionAffinityConfig: { clientIP: { timeoutSeconds: 10 } },
        trafficDistribution: "PreferClose",
        ipFamilies: ["IPv4", "IPv6"],
        ports: [
          { name: "http", port: 80, appProtocol: "http" },
          { name: "dns", protocol: "UDP", port: 53, nodePort: 30_053 },
        ],
      }),
    );
    expect(row).toEqual({
      kind: "export",
      cluster: "a",
      namespace: "shop",
      name: "web",
      createdAtMs: Date.UTC(2026, 4, 1, 10),
      type: "ClusterSetIP",
      ports: [
        { name: "http", protocol: "TCP", port: 80, appProtocol: "http" },
        { name: "dns", protocol: "UDP", port: 53 },
      ],
      sessionAffinity: "ClientIP",
      sessionAffinityTimeoutSeconds: 10,
      internalTrafficPolicy: "Cluster",
      trafficDistribution: "PreferClose",
      ipFamilies: ["IPv4", "IPv6"],
      labels: {},
      annotations: {},
    });
  });

  test("exported keys travel, metadata and protected keys do not (EXP-12, IMP-24)", () => {
    const row = deriveExportRow(
      clusterId("a"),
      aServiceExport({
        spec: {
          exportedLabels: { tier: "gold", "multicluster.kubernetes.io/service-name": "evil" },
          exportedAnnotations: { note: "x", "isthmus.dev/managed-by": "evil" },
        },
      }),
      { ...aService(), metadata: { namespace: "shop", name: "web", labels: { hidden: "yes" } } },
    );
    expect(row.labels).toEqual({ tier: "gold" });
    expect(row.annotations).toEqual({ note: "x" });
  });
});
