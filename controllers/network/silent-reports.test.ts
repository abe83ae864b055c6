import { expect, test } from "vitest";
import type { KubeObject } from "../../api/kube/object.ts";
import { SILENT_MS, SilentReports } from "./silent-reports.ts";

function report(name: string, resourceVersion: string): KubeObject {
  return { apiVersion: "v1", kind: "PathReport", metadata: { name, resourceVersion } };
}

function names(reports: readonly KubeObject[]): readonly string[] {
  return reports.map(({ metadata }) => metadata.name);
}

test("a report that nobody renews is silent after an hour of this process, not before", () => {
  const silent = new SilentReports();
  const gone = report("proxy-old", "1");
  expect(silent.look([gone, report("proxy-new", "2")], 0)).toEqual([]);
  expect(silent.look([gone, report("proxy-new", "3")], SILENT_MS - 1)).toEqual([]);
  expect(names(silent.look([gone, report("proxy-new", "4")], SILENT_MS))).toEqual(["proxy-old"]);
  // Written once more, it speaks again.
  expect(silent.look([report("proxy-old", "5"), report("proxy-new", "4")], SILENT_MS + 1)).toEqual(
    [],
  );
});

test("while all are silent none goes: it may be the API server that nobody can write to", () => {
  const silent = new SilentReports();
  const all = [report("gateway-a", "1"), report("gateway-b", "1")];
  expect(silent.look(all, 0)).toEqual([]);
  expect(silent.look(all, 2 * SILENT_MS)).toEqual([]);
});

test("what is gone is forgotten: one of its name begins anew", () => {
  const silent = new SilentReports();
  const other = report("gateway-b", "1");
  silent.look([report("gateway-a", "1"), other], 0);
  silent.look([other], 10);
  expect(silent.look([report("gateway-a", "1"), report("gateway-b", "2")], SILENT_MS)).toEqual([]);
});
