import { expect, test } from "vitest";
import { memberReport } from "./member-report.ts";
import { statusText } from "./status-text.ts";

const condition = (type: string, status: "True" | "False", reason: string, message = "") => ({
  type,
  status,
  reason,
  message,
  lastTransitionTime: "2026-01-01T00:00:00Z",
});

test("columns line up, and what is wrong stands under its export", () => {
  const report = memberReport({
    clusterId: "east",
    clusterset: "prod",
    exports: [
      {
        apiVersion: "multicluster.x-k8s.io/v1beta1",
        kind: "ServiceExport",
        metadata: { namespace: "shop", name: "web" },
        status: {
          conditions: [
            condition("Valid", "True", "Valid"),
            condition("Conflict", "True", "PortConflict", "ports: 80 is used\n1 of 2 differ"),
          ],
        },
      },
    ],
    imports: [
      {
        apiVersion: "multicluster.x-k8s.io/v1beta1",
        kind: "ServiceImport",
        metadata: { namespace: "shop", name: "web" },
        spec: { type: "ClusterSetIP", ports: [], ips: ["10.96.0.7"] },
        status: {
          clusters: [{ cluster: "east" }, { cluster: "west" }],
          conditions: [condition("Ready", "True", "Ready")],
        },
      },
    ],
  });
  expect(statusText(report)).toBe(
    [
      "Cluster  east, member of clusterset prod",
      "",
      "EXPORT    CONDITIONS",
      "shop/web  Valid=True/Valid Conflict=True/PortConflict",
      "          ! ports: 80 is used; 1 of 2 differ",
      "",
      "IMPORT    TYPE          IP         FROM       STATE",
      "shop/web  ClusterSetIP  10.96.0.7  east,west  ready",
    ].join("\n"),
  );
});

test("a cluster that never joined is told how to", () => {
  const text = statusText(
    memberReport({ clusterId: undefined, clusterset: undefined, exports: [], imports: [] }),
  );
  expect(text).toContain('run "isthmus join"');
  expect(text).toContain("EXPORT  none");
});
