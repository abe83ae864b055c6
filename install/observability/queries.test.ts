import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { parse } from "yaml";
import { dashboardText } from "./dashboard-text.ts";
import { DASHBOARDS } from "./dashboards.ts";

const ROOT = new URL("../../", import.meta.url);
const read = (path: string): string => readFileSync(new URL(path, ROOT), "utf8");

/** Labels that whoever scrapes adds. */
const OF_THE_SCRAPER = ["namespace", "pod"];

interface Alert {
  readonly alert: string;
  readonly expr: string;
  readonly labels: { readonly severity: string };
  readonly annotations: { readonly summary: string; readonly runbook_url: string };
}

function alertsOf(part: "hub" | "member"): readonly Alert[] {
  const file = parse(read(`api/observability/alerts-${part}.yaml`)) as {
    readonly groups: readonly { readonly rules: readonly Alert[] }[];
  };
  return file.groups.flatMap(({ rules }) => rules);
}

/** Labels by metric, of what processes show: test/system/metrics-reference.test.ts holds that page against them. */
function shown(): ReadonlyMap<string, readonly string[]> {
  const metrics = new Map<string, readonly string[]>();
  for (const line of read("docs/reference/metrics.md").split("\n")) {
    const [, name, type, labels = ""] = /^\| `(isthmus_\w+)` \| (\w+) \| (.*?) \|/.exec(line) ?? [];
    if (name === undefined) continue;
    const own = [...labels.matchAll(/`(\w+)`/g)].map(([, label = ""]) => label);
    if (type === "histogram") {
      metrics.set(`${name}_bucket`, [...own, "le"]);
      metrics.set(`${name}_count`, own);
      metrics.set(`${name}_sum`, own);
    } else metrics.set(name, own);
  }
  return metrics;
}

const QUERIES = [
  ...(["hub", "member"] as const).flatMap((part) => [
    ...alertsOf(part).map(({ alert, expr }) => ({ where: alert, expr })),
    ...DASHBOARDS[part].rows.flatMap(({ panels }) =>
      panels.flatMap(({ title, queries }) =>
        queries.map(({ expr }) => ({ where: `${part}: ${title}`, expr })),
      ),
    ),
  ]),
];

test("there is something to look at", () => {
  expect(shown().size).toBeGreaterThan(50);
  expect(QUERIES.length).toBeGreaterThan(60);
});

describe.each(QUERIES)("$where: $expr", ({ expr }) => {
  test("asks for metrics and labels that a process shows", () => {
    const metrics = shown();
    const named = [...new Set(expr.match(/isthmus_\w+/g))];
    expect(named).not.toEqual([]);
    for (const name of named) expect([...metrics.keys()]).toContain(name);
    const known = [...named.flatMap((name) => metrics.get(name) ?? []), ...OF_THE_SCRAPER];
    const asked = [
      ...[...expr.matchAll(/\bby \(([^)]*)\)/g)].flatMap(([, list = ""]) => list.split(/, ?/)),
      ...[...expr.matchAll(/(\w+)!?=~?"/g)].map(([, label = ""]) => label),
    ];
    for (const label of asked) expect(known).toContain(label);
  });
});

describe("docs/operations.md", () => {
  const alerts = [...alertsOf("hub"), ...alertsOf("member")];
  const page = read("docs/operations.md");
  const sections = [...page.matchAll(/^### (Isthmus\w+)$/gm)].map(([, name = ""]) => name);

  test("has a section for each alert, and no other", () => {
    expect(sections.toSorted()).toEqual(alerts.map(({ alert }) => alert).toSorted());
  });

  test.each(alerts)(
    "$alert: the link of the alert leads there, to a meaning and a remedy",
    (one) => {
      expect(one.annotations.runbook_url).toBe(`docs/operations.md#${one.alert.toLowerCase()}`);
      expect(["critical", "warning", "info"]).toContain(one.labels.severity);
      const [text = ""] = (page.split(`### ${one.alert}\n`)[1] ?? "").split("\n##");
      expect(text).toMatch(/\*\*Means:\*\* \S/);
      expect(text).toMatch(/\*\*Do:\*\* \S/);
    },
  );
});

test.each(["hub", "member"] as const)(
  "the dashboard of a %s is written anew (npm run charts)",
  (part) => {
    expect(read(`api/observability/dashboards/isthmus-${part}.json`)).toBe(dashboardText(part));
  },
);

test("panels do not lie on each other, and fit", () => {
  for (const part of ["hub", "member"] as const) {
    const { panels } = JSON.parse(dashboardText(part)) as {
      readonly panels: readonly {
        readonly gridPos: { readonly x: number; readonly y: number; readonly w: number };
      }[];
    };
    const places = panels.map(({ gridPos: { x, y } }) => `${x} ${y}`);
    expect(new Set(places).size).toBe(panels.length);
    for (const { gridPos } of panels) expect(gridPos.x + gridPos.w).toBeLessThanOrEqual(24);
  }
});
