import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { bundleOf } from "./bundle.ts";
import { tarOf } from "./tar.ts";

test("tar unpacks it, and what did not fit is said to be left out", () => {
  const files = [
    { name: "a.json", text: "[1]\n" },
    { name: "large.json", text: "x".repeat(2000) },
    { name: "empty.txt", text: "" },
    { name: "b.txt", text: "ü".repeat(512) },
  ];
  const folder = mkdtempSync(join(tmpdir(), "isthmus-bundle-"));
  try {
    const file = join(folder, "all.tar.gz");
    writeFileSync(file, bundleOf(files, { maxBytes: 1500, nowMs: 1_700_000_000_000 }));
    execFileSync("tar", ["-xzf", file, "-C", folder]);
    const read = (name: string): string => readFileSync(join(folder, "isthmus", name), "utf8");
    expect(read("a.json")).toBe("[1]\n");
    expect(read("empty.txt")).toBe("");
    expect(read("b.txt")).toBe("ü".repeat(512));
    expect(read("contents.txt").split("\n")).toEqual([
      "included: a.json (4 bytes)",
      "left out, the bundle is full: large.json (2000 bytes)",
      "included: empty.txt (0 bytes)",
      "included: b.txt (1024 bytes)",
      "",
    ]);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});

test("a name that does not fit is an error", () => {
  expect(() => tarOf([{ name: "x".repeat(101), data: Buffer.of() }], 0)).toThrow("at most 100");
});
