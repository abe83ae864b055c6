import { expect, test } from "vitest";
import { parsePathReport } from "../../api/network/parse-network-objects.ts";
import type { PathReport } from "../../api/network/path-report.ts";
import { must } from "../../api/result.ts";
import { type ChangesByTime, nextLookMs } from "./next-look.ts";

const WALL = Date.parse("2026-01-01T00:00:00Z");
const MOMENT = { nowMs: 5_000, wallMs: WALL };
const NONE: ChangesByTime = { choicesMs: [], ends: [], reports: [] };

function report(renewedMs: number): PathReport {
  return must(
    parsePathReport({
      apiVersion: "isthmus.dev/v1alpha1",
      kind: "PathReport",
      metadata: { name: "node-a" },
      spec: { role: "gateway", renewedAt: new Date(renewedMs).toISOString(), paths: [] },
    } as never),
  );
}

test.each<{
  readonly name: string;
  readonly changes: Partial<ChangesByTime>;
  readonly want?: number;
}>([
  { name: "time alone changes nothing", changes: {} },
  { name: "a choice, rounded up", changes: { choicesMs: [5_000.2, 9_000] }, want: 1 },
  {
    name: "one that is due already is looked at soon, not at once",
    changes: { choicesMs: [4_000] },
    want: 1,
  },
  {
    name: "a stream that is back explains silences for ten seconds more",
    changes: { ends: [{ endedMs: WALL - 9_000, backMs: WALL - 4_000 }] },
    want: 6_000,
  },
  {
    name: "a stream that is away explains them for as long as it is, and one long back no more",
    changes: {
      ends: [
        { endedMs: WALL - 9_000, backMs: undefined },
        { endedMs: WALL - 90_000, backMs: WALL - 60_000 },
      ],
    },
  },
  {
    name: "a report is good for thirty seconds",
    changes: { reports: [report(WALL - 12_000)] },
    want: 18_000,
  },
  { name: "and then never again", changes: { reports: [report(WALL - 31_000)] } },
  {
    name: "whatever comes first",
    changes: { choicesMs: [7_000], reports: [report(WALL)] },
    want: 2_000,
  },
])("$name", ({ changes, want }) => {
  expect(nextLookMs({ ...NONE, ...changes }, MOMENT)).toBe(want);
});
