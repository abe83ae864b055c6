import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { ROOT } from "./source-files.ts";

test("docs/dependencies.md gives a reason for each runtime dependency, and for no other", () => {
  const manifest = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8")) as {
    readonly dependencies: Readonly<Record<string, string>>;
  };
  const rows = readFileSync(join(ROOT, "docs/dependencies.md"), "utf8").matchAll(
    /^\| `([^`]+)` \| \S/gm,
  );
  const given = new Set([...rows].map((row) => row[1]));
  expect(given).toEqual(new Set(Object.keys(manifest.dependencies)));
});
