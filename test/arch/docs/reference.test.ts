import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { pageText } from "../../../packaging/reference/page.ts";
import { codePages } from "../../../packaging/reference/pages.ts";
import { sourceFiles } from "../source-files.ts";
import { ROOT } from "./markdown-files.ts";

const HINT = "run `npm run docs` and commit what it writes";

test.each(await codePages())("docs/reference/$file is what the code says", (page) => {
  const committed = readFileSync(join(ROOT, "docs/reference", page.file), "utf8");
  expect(committed, HINT).toBe(pageText(page));
});

// `test/system/metrics-reference.test.ts` compares with what the processes register; what they register only later is found here.
test("every metric that the code names is in docs/reference/metrics.md", () => {
  const folders = ["broker", "cli", "connectivity", "controllers", "dns-server", "runtime"];
  const text = readFileSync(join(ROOT, "docs/reference/metrics.md"), "utf8");
  const names = sourceFiles(folders)
    .filter(({ path }) => !path.includes(".test."))
    .flatMap((file) => [...file.text.matchAll(/\bname: ["`](isthmus_[^"`]+)["`]/g)])
    .map(([, name = ""]) => name);
  expect(names.length).toBeGreaterThan(50);
  const missing = names.filter((name) => {
    const pattern = name.replaceAll(/\$\{[^}]*\}/g, "[a-z_]+");
    return !new RegExp(`\`${pattern}\``).test(text);
  });
  expect(missing, HINT).toEqual([]);
});
