import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { metricNamesInCode } from "../../../packaging/reference/metric-names.ts";
import { pageText } from "../../../packaging/reference/page.ts";
import { codePages } from "../../../packaging/reference/pages.ts";
import { ROOT } from "./markdown-files.ts";

const HINT = "run `npm run docs` and commit what it writes";

test.each(await codePages())("docs/reference/$file is what the code says", (page) => {
  const committed = readFileSync(join(ROOT, "docs/reference", page.file), "utf8");
  expect(committed, HINT).toBe(pageText(page));
});

// `test/system/metrics-reference.test.ts` compares with what the processes register; what they register only later is found here.
test("every metric that the code names is in docs/reference/metrics.md", () => {
  const text = readFileSync(join(ROOT, "docs/reference/metrics.md"), "utf8");
  const listed = [...text.matchAll(/`(isthmus_[a-z_]+)`/g)].map(([, name = ""]) => name);
  const names = metricNamesInCode();
  expect(names.length).toBeGreaterThan(50);
  const missing = names.filter((pattern) => !listed.some((name) => pattern.test(name)));
  expect(missing, HINT).toEqual([]);
});
