import { describe, expect, test } from "vitest";
import { microTime } from "../kube/micro-time.ts";
import { HeardReports } from "./heard-reports.ts";
import type { PathReport } from "./path-report.ts";

const START_MS = Date.parse("2026-01-01T12:00:00Z");
const MINUTE_MS = 60_000;

/** As a machine whose clock differs writes it at a moment. */
function report(atMs: number, aheadMs = 0, name = "gateway-node-1"): PathReport {
  return {
    apiVersion: "isthmus.dev/v1alpha1",
    kind: "PathReport",
    metadata: { name },
    spec: {
      role: "gateway",
      endpoints: [],
      paths: [],
      renewedAt: microTime(START_MS + atMs + aheadMs),
    },
  };
}

function ageOf(heard: PathReport, nowMs: number): number {
  return START_MS + nowMs - Date.parse(heard.spec.renewedAt);
}

describe("when a report was renewed, by the reader's clock", () => {
  test.each([
    ["agrees", 0],
    ["is seconds behind", -4_000],
    ["is minutes behind", -10 * MINUTE_MS],
    ["is minutes ahead", 10 * MINUTE_MS],
  ])(
    "its machine's clock %s: fresh as long as it is renewed, old half a minute later",
    (_what, aheadMs) => {
      const reports = new HeardReports();
      reports.take(report(0, aheadMs), START_MS);
      for (let nowMs = 10_000; nowMs <= 50_000; nowMs += 10_000) {
        const heard = reports.take(report(nowMs, aheadMs), START_MS + nowMs);
        expect(Math.abs(ageOf(heard, nowMs))).toBeLessThan(5_000);
      }
      const [last] = reports.takeAll([report(50_000, aheadMs)], START_MS + 80_000);
      expect(ageOf(last as PathReport, 80_000)).toBeGreaterThanOrEqual(30_000);
    },
  );

  test("who has just begun to read takes the word of what is there, but for what is to come", () => {
    const reports = new HeardReports();
    const old = report(-5 * MINUTE_MS);
    expect(reports.take(old, START_MS)).toBe(old);
    const coming = reports.take(report(5 * MINUTE_MS, 0, "other"), START_MS);
    expect(ageOf(coming, 0)).toBe(0);
  });

  test("what was forgotten, as since it was deleted, is new again", () => {
    const reports = new HeardReports();
    const behind = report(0, -5 * MINUTE_MS);
    reports.take(behind, START_MS);
    expect(ageOf(reports.take(report(1_000, -5 * MINUTE_MS), START_MS + 1_000), 1_000)).toBe(0);
    expect(reports.takeAll([], START_MS)).toEqual([]);
    expect(ageOf(reports.take(behind, START_MS + 2_000), 0)).toBe(5 * MINUTE_MS);
  });

  test("one that says no time stays as it is", () => {
    const none = { ...report(0), spec: { ...report(0).spec, renewedAt: "yesterday" } };
    expect(new HeardReports().take(none, START_MS)).toBe(none);
  });
});
