import { describe, expect, test } from "vitest";
import type { ServiceImport } from "../../api/mcs/service-import.ts";
import { anExport } from "../testing/builders.ts";
import { mergeExports } from "./merge-exports.ts";
import { precedenceChange, precedenceText } from "./precedence-change.ts";

function anImport(clusters: readonly string[]): ServiceImport {
  return {
    apiVersion: "multicluster.x-k8s.io/v1beta1",
    kind: "ServiceImport",
    metadata: { namespace: "shop", name: "web" },
    spec: { type: "ClusterSetIP", ports: [] },
    status: { clusters: clusters.map((cluster) => ({ cluster })) },
  };
}

describe("precedenceChange (SEC-07)", () => {
  test.each<{
    name: string;
    decided: readonly string[] | undefined;
    exports: readonly (readonly [string, number])[];
    want: string | undefined;
  }>([
    { name: "no import yet", decided: undefined, exports: [["a", 1]], want: undefined },
    { name: "an import that says nothing yet", decided: [], exports: [["a", 1]], want: undefined },
    {
      name: "nothing new",
      decided: ["a", "b"],
      exports: [
        ["a", 1],
        ["b", 2],
      ],
      want: undefined,
    },
    {
      name: "a younger one comes",
      decided: ["a"],
      exports: [
        ["a", 1],
        ["b", 2],
      ],
      want: undefined,
    },
    {
      name: "an older one comes",
      decided: ["a"],
      exports: [
        ["a", 5],
        ["b", 2],
      ],
      want: "a>b",
    },
    {
      name: "of several",
      decided: ["a", "c"],
      exports: [
        ["a", 5],
        ["b", 2],
        ["c", 9],
      ],
      want: "a>b",
    },
    {
      name: "the one that decided has left",
      decided: ["a", "b"],
      exports: [["b", 2]],
      want: undefined,
    },
    { name: "and a new one decides", decided: ["a"], exports: [["b", 2]], want: undefined },
    {
      name: "the one that decided was made again: the others were here before",
      decided: ["a", "b"],
      exports: [
        ["a", 9],
        ["b", 2],
      ],
      want: undefined,
    },
  ])("$name", ({ decided, exports, want }) => {
    const merged = mergeExports(
      exports.map(([cluster, createdAtMs]) => anExport({ cluster, createdAtMs })),
    );
    if (merged === undefined) throw new Error("nothing exported");
    const change = precedenceChange(decided && anImport(decided), merged);
    expect(change && `${change.before.cluster}>${change.now.cluster}`).toBe(want);
  });

  test("the text names both clusters and both times", () => {
    const before = anExport({ cluster: "a", createdAtMs: Date.UTC(2026, 0, 1) });
    const now = anExport({ cluster: "b", createdAtMs: 0 });
    expect(precedenceText({ before, now })).toMatch(
      /cluster b .*1970-01-01T00:00:00\.000Z.* that of a \(2026-01-01T00:00:00\.000Z\)/,
    );
  });
});
