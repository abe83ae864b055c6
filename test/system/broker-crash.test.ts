import { expect, test } from "vitest";
import { crashRun } from "./crash/crash-run.ts";

test.each(["file", "kubernetes", "etcd"] as const)(
  "kill -9 of anything under load, over %s: no acknowledged write lost, no row back from the dead, all members agree",
  async (kind) => {
    const report = await crashRun(kind, { durationMs: 8000, seed: 1 });
    expect(report.problems).toEqual([]);
    expect(report.acknowledged).toBeGreaterThan(0);
  },
);
