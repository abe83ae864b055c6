import { existsSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import {
  type Evidence,
  evidenceIn,
  LEVELS,
  parseConformanceTable,
  STATES,
} from "./parse-conformance-table.ts";
import { parseSpecRules } from "./parse-spec-rules.ts";

const ROOT = new URL("../../", import.meta.url);
const SPEC = new URL("../shared/spec/mcs-requirements.md", ROOT);
/** A line of a test file that names a test, a group of tests or a row of a table of tests. */
const TITLE_LINE = /\b(?:test|describe|testDig|name|rule)\b|\]\)\(|\)\("|^\s*["[]/;

const text = readFileSync(new URL("docs/conformance.md", ROOT), "utf8");
const table = parseConformanceTable(text);

test("every line that looks like a rule was read", () => {
  const lines = text.split("\n").filter((line) => /^\| [A-Z]{3}-\d/.test(line));
  expect(table.rows).toHaveLength(lines.length);
  expect(lines.length).toBeGreaterThan(200);
});

test("no rule is listed twice", () => {
  const ids = table.rows.map(({ id }) => id);
  expect(ids.filter((id, index) => ids.indexOf(id) !== index)).toEqual([]);
});

test("the counts are those of the table", () => {
  const counted = STATES.map((state) => ({
    state,
    counts: LEVELS.map(
      (level) => table.rows.filter((row) => row.state === state && row.level === level).length,
    ),
  }));
  expect(table.counts).toEqual(counted);
});

describe.each(table.rows)("$id", ({ state, level, says, evidence, reason }) => {
  test("has a level, a summary, a state, and a test or a reason", () => {
    expect(LEVELS).toContain(level);
    expect(STATES).toContain(state);
    expect(says).not.toBe("");
    if (state === "done" || state === "partly") expect(evidence).not.toEqual([]);
    if (state !== "done") expect(reason).not.toBe("");
  });

  test("names tests that exist", () => {
    for (const one of evidence) expectThere(one);
  });
});

test("docs/testing.md names tests that exist for what upstream's suite leaves out", () => {
  const named = evidenceIn(readFileSync(new URL("docs/testing.md", ROOT), "utf8"));
  expect(named.length).toBeGreaterThan(22);
  for (const one of named) expectThere(one);
});

function expectThere({ path, title }: Evidence): void {
  const file = new URL(path, ROOT);
  expect(existsSync(file), `${path} does not exist`).toBe(true);
  const lines = readFileSync(file, "utf8").split("\n");
  const isThere = lines.some((line) => line.includes(title) && TITLE_LINE.test(line));
  expect(isThere, `${path} has no test ${JSON.stringify(title)}`).toBe(true);
}

describe("compared with the requirements", () => {
  const isThere = existsSync(SPEC);
  const rules = isThere ? parseSpecRules(readFileSync(SPEC, "utf8")) : [];

  test.runIf(!isThere)("the requirements are not here: nothing was compared", ({ skip }) => {
    skip(`no ${fileURLToPath(SPEC)}`);
  });

  test.runIf(isThere)("every rule is listed, with its level, and no other", () => {
    expect(rules.length).toBeGreaterThan(200);
    const listed = table.rows.map(({ id, level }) => ({ id, level }));
    const byId = (a: { id: string }, b: { id: string }): number => (a.id < b.id ? -1 : 1);
    expect(listed.toSorted(byId)).toEqual(rules.toSorted(byId));
  });
});
