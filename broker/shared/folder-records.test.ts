import { mkdtemp, readdir, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { FolderRecords } from "./folder-records.ts";
import { describeSharedRecords } from "./shared-records-compliance.ts";

let dir: string;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), "isthmus-shared-"));
});
afterEach(() => rm(dir, { recursive: true, force: true }));

describeSharedRecords("folder", async () => ({
  one: new FolderRecords(dir),
  other: new FolderRecords(dir),
}));

test("files are for their owner's eyes only, and no copies are left behind", async () => {
  const records = new FolderRecords(dir);
  await records.create("tokens/abc", "x");
  const read = await records.read("tokens/abc");
  await records.replace("tokens/abc", "y", read.ok ? (read.value?.revision ?? "") : "");
  expect(await readdir(join(dir, "tokens"))).toEqual(["abc.json"]);
  expect((await stat(join(dir, "tokens", "abc.json"))).mode & 0o777).toBe(0o600);
});

test("what else lies in the folder is not listed", async () => {
  const records = new FolderRecords(dir);
  await records.create("tokens/abc", "x");
  await writeFile(join(dir, "tokens", ".abc.json.1234.tmp"), "half");
  await writeFile(join(dir, "tokens", "README"), "hello");
  const listed = await records.list("tokens");
  expect(listed.ok && listed.value.map(({ key }) => key)).toEqual(["tokens/abc"]);
});

test.each(["../authority", "tokens/../x", "Tokens", "", "tokens/", "a/b/c", ".hidden"])(
  "a key that is none is a bug: %s",
  async (key) => {
    const read = await new FolderRecords(dir).read(key);
    expect(read.ok ? "" : read.error).toContain("name or group/name");
  },
);

test("a place that cannot be written is an error that says why, without the text", async () => {
  await writeFile(join(dir, "tokens"), "in the way");
  const created = await new FolderRecords(dir).create("tokens/abc", "secret");
  expect(created.ok ? "" : created.error).toMatch(/^cannot create shared record: /);
  expect(created.ok ? "" : created.error).not.toContain("secret");
});
