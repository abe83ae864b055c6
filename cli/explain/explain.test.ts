import { describe, expect, test } from "vitest";
import { err, ok } from "../../api/result.ts";
import { explain } from "./explain.ts";
import { explainText } from "./explain-text.ts";
import type { Facts } from "./facts.ts";
import { BROKEN } from "./testing/broken-facts.ts";
import { healthyFacts, NOW_MS } from "./testing/healthy-facts.ts";

const HEALTHY = healthyFacts();

test("a service with which nothing is wrong, and all of it seen", () => {
  const { findings, firstWrong, untested } = explain(HEALTHY);
  expect(firstWrong).toBeUndefined();
  expect(untested).toBe(0);
  expect(findings.filter(({ verdict }) => verdict !== "ok").map(({ check }) => check)).toEqual([
    "host names",
  ]);
});

describe("the first thing that is wrong is named, with what to do", () => {
  test.each(BROKEN)("$name", ({ change, check, says }) => {
    const explanation = explain({ ...HEALTHY, ...change });
    expect(explanation.firstWrong).toMatchObject({ check, says: expect.stringMatching(says) });
    expect(explanation.firstWrong?.mend).toMatch(/\w/);
    const lines = explainText(explanation).split("\n");
    expect(lines.at(-2)).toContain(check);
    expect(lines.filter((line) => line.startsWith("WRONG")).length).toBeGreaterThan(0);
  });

  test("every check has a way to be wrong", () => {
    const checks = new Set(explain(HEALTHY).findings.map(({ check }) => check));
    expect(new Set(BROKEN.map(({ check }) => check))).toEqual(checks);
  });
});

test("what could not be seen is never right, whatever stands around it", () => {
  const keys = Object.keys(HEALTHY) as (keyof Facts)[];
  const seen = keys.filter((key) => typeof HEALTHY[key] === "object");
  expect(seen.length).toBeGreaterThan(12);
  for (const key of seen) {
    const explanation = explain({ ...HEALTHY, [key]: err("forbidden") });
    const { verdict, says } =
      explanation.findings.find(({ says }) => says.includes("forbidden")) ?? {};
    // What only says more about another fact, or where a list of clusters is for, has no check of its own.
    if (["slices", "service"].includes(key) && verdict === undefined) continue;
    expect({ key, verdict, says }).toEqual({
      key,
      verdict: "not tested",
      says: expect.stringContaining("forbidden"),
    });
    expect(explanation.untested).toBeGreaterThan(0);
    expect(explanation.firstWrong).toBeUndefined();
  }
});

test("nothing can be seen: nothing is right", () => {
  const blind = Object.fromEntries(
    Object.entries(HEALTHY).map(([key, value]) => [
      key,
      typeof value === "object" ? err("forbidden") : value,
    ]),
  ) as unknown as Facts;
  const { findings } = explain({ ...blind, nowMs: NOW_MS });
  expect(findings.filter(({ verdict }) => verdict === "ok")).toEqual([]);
});

test("no backend is configured: packets are what shows a path, probes are not tested", () => {
  const { findings, firstWrong } = explain({ ...HEALTHY, peers: ok([]) });
  expect(firstWrong).toBeUndefined();
  expect(findings.find(({ check }) => check === "path")?.verdict).toBe("not tested");
});
