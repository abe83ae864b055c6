import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { expect, test } from "vitest";
import { markdownFiles, ROOT, withoutCode } from "./markdown-files.ts";

const LINK = /\]\(([^()\s]+)\)/g;

/** As GitHub makes them: lower case, what is no letter or digit goes, spaces become dashes. */
function anchorsOf(text: string): ReadonlySet<string> {
  const headings = text.replaceAll(/^ *```[\s\S]*?^ *```/gm, "").matchAll(/^#+ +(.+)$/gm);
  return new Set(
    [...headings].map(([, heading = ""]) =>
      heading
        .toLowerCase()
        .replaceAll(/[^\p{L}\p{N} _-]/gu, "")
        .replaceAll(" ", "-"),
    ),
  );
}

function isBroken(from: string, target: string): boolean {
  const [file = "", anchor] = target.split("#");
  const path = file === "" ? join(ROOT, from) : join(ROOT, dirname(from), file);
  if (!existsSync(path)) return true;
  return (
    anchor !== undefined &&
    path.endsWith(".md") &&
    !anchorsOf(readFileSync(path, "utf8")).has(anchor)
  );
}

test("every relative link leads to a file, and to a heading of it", () => {
  const broken = markdownFiles().flatMap(({ path, text }) =>
    [...withoutCode(text).matchAll(LINK)]
      .map(([, target = ""]) => target)
      .filter((target) => !/^[a-z]+:/.test(target) && isBroken(path, target))
      .map((target) => `${path}: ${target}`),
  );
  expect(broken).toEqual([]);
});

test("every page of docs/ is named by docs/README.md", () => {
  const index = readFileSync(join(ROOT, "docs/README.md"), "utf8");
  const pages = markdownFiles()
    .map(({ path }) => path)
    .filter((path) => path.startsWith("docs/") && path !== "docs/README.md")
    .filter((path) => !path.startsWith("docs/decisions/"));
  expect(pages.filter((path) => !index.includes(`](${path.slice("docs/".length)})`))).toEqual([]);
});
