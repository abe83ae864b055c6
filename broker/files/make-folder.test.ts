import { mkdtemp, rm, stat, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { makeFolder } from "./make-folder.ts";

let root: string;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), "isthmus-folder-"));
});
afterEach(() => rm(root, { recursive: true }));

test("makes a folder and those above it, for their owner only; again is fine", async () => {
  const path = join(root, "x", "y", "z");
  await Promise.all([makeFolder(path), makeFolder(path), makeFolder(`${path}/`)]);
  await makeFolder(path);
  for (const made of [join(root, "x"), path]) {
    expect((await stat(made)).mode & 0o777).toBe(0o700);
  }
});

test("takes a link to a folder for one", async () => {
  await symlink(root, join(root, "link"));
  await makeFolder(join(root, "link"));
  await makeFolder(join(root, "link", "x"));
  expect((await stat(join(root, "x"))).isDirectory()).toBe(true);
});

test.each([
  { path: "/dev/null/a/b", code: "ENOTDIR" },
  { path: "/dev/null", code: "EEXIST" },
  // mkdir's own `recursive` never returns here.
  { path: "/proc/no-such-folder/a", code: "ENOENT" },
  { path: `/${"x".repeat(300)}/a`, code: "ENAMETOOLONG" },
])("$code, and soon: $path", async ({ path, code }) => {
  await expect(makeFolder(path)).rejects.toMatchObject({ code });
});

test("a file in the way is an error", async () => {
  await writeFile(join(root, "file"), "");
  await expect(makeFolder(join(root, "file"))).rejects.toMatchObject({ code: "EEXIST" });
  await expect(makeFolder(join(root, "file", "x"))).rejects.toMatchObject({ code: "ENOTDIR" });
});
