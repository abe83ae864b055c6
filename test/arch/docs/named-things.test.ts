import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { markdownFiles, ROOT } from "./markdown-files.ts";

/** Made by `npm run build:native`. */
const BUILT = "dns-server/native/build/";

const FOLDERS = readdirSync(ROOT, { withFileTypes: true })
  .filter((entry) => entry.isDirectory() && !/^(\.|node_modules$|dist$)/.test(entry.name))
  .map(({ name }) => name);
const PATH = new RegExp(`^(?:${FOLDERS.join("|")})/[\\w./-]+$`);

/** Words between backticks that are paths from the checkout's root. */
function pathsIn(markdown: string): readonly string[] {
  const spans = markdown.replaceAll(/^ *```[\s\S]*?^ *```/gm, "").matchAll(/`([^`\n]+)`/g);
  return [...spans].flatMap(([, text = ""]) => text.split(/\s+/)).filter((word) => PATH.test(word));
}

/** A decision may be named by its number: `docs/decisions/0003`. */
function isThere(path: string): boolean {
  const [, number] = /^docs\/decisions\/(\d{4})$/.exec(path) ?? [];
  if (number === undefined) return path.startsWith(BUILT) || existsSync(join(ROOT, path));
  return readdirSync(join(ROOT, "docs/decisions")).some((file) => file.startsWith(number));
}

test("every path that a page names is there", () => {
  const named = markdownFiles().flatMap(({ path, text }) =>
    pathsIn(text).map((word) => ({ path, word })),
  );
  expect(named.length).toBeGreaterThan(200);
  const gone = named.filter(({ word }) => !isThere(word));
  expect(gone.map(({ path, word }) => `${path}: ${word}`)).toEqual([]);
  expect(["docs/gone.md", "docs/decisions/9999"].filter(isThere)).toEqual([]);
});

test("every npm script that a page names exists", () => {
  const { scripts } = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8")) as {
    readonly scripts: Readonly<Record<string, string>>;
  };
  const named = markdownFiles().flatMap(({ path, text }) =>
    [...text.matchAll(/\bnpm run (?:-s )?([a-z][\w:-]*\w)/g)].map(([, script = ""]) => ({
      path,
      script,
    })),
  );
  expect(named.length).toBeGreaterThan(50);
  const unknown = named.filter(({ script }) => !(script in scripts));
  expect(unknown.map(({ path, script }) => `${path}: ${script}`)).toEqual([]);
});
