import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { readAuditLines } from "./read-audit-lines.ts";

let dir: string;
let path: string;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), "isthmus-audit-"));
  path = join(dir, "audit.jsonl");
});
afterEach(() => rm(dir, { recursive: true, force: true }));

const line = (at: number, kind: string, cluster: string): string =>
  JSON.stringify({ at, kind, cluster });

test("gives the newest that fit, oldest first, over all files, without what was cut", async () => {
  await writeFile(`${path}.2`, `${line(1, "joined", "a")}\n${line(2, "refused", "b")}\n`);
  await writeFile(`${path}.1`, `${line(3, "refused", "a")}\n`);
  await writeFile(path, `${line(4, "refused", "a")}\n{"at":5,"ki`);
  const all = [line(1, "joined", "a"), line(2, "refused", "b"), line(3, "refused", "a")];
  const newest = line(4, "refused", "a");
  expect(await readAuditLines(path, { last: 10 })).toEqual({ ok: true, value: [...all, newest] });
  expect(await readAuditLines(path, { last: 2 })).toEqual({
    ok: true,
    value: [line(3, "refused", "a"), newest],
  });
  expect(await readAuditLines(path, { last: 10, cluster: "b" })).toEqual({
    ok: true,
    value: [line(2, "refused", "b")],
  });
  expect(await readAuditLines(path, { last: 10, cluster: "a", kind: "refused" })).toEqual({
    ok: true,
    value: [line(3, "refused", "a"), newest],
  });
});

test("no file is no line; one that cannot be read is an error", async () => {
  expect(await readAuditLines(path, { last: 10 })).toEqual({ ok: true, value: [] });
  const read = await readAuditLines("/dev/null/x", { last: 10 });
  expect(read.ok ? "" : read.error).toMatch(/^cannot read audit log: ENOTDIR/);
});
