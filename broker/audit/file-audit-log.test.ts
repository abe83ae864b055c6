import { mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { parseClusterId } from "../../api/cluster-id.ts";
import { VirtualClock } from "../../runtime/clock/virtual-clock.ts";
import type { LogFields, Logger } from "../../runtime/log/log.ts";
import { silentLogger } from "../../runtime/log/silent-log.ts";
import type { AuditEvent } from "./audit-log.ts";
import { FileAuditLog } from "./file-audit-log.ts";

let dir: string;
let clock: VirtualClock;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), "isthmus-audit-"));
  clock = new VirtualClock();
});
afterEach(() => rm(dir, { recursive: true, force: true }));

function anEvent(incarnation: number): AuditEvent {
  const cluster = parseClusterId("east");
  if (!cluster.ok) throw new Error(cluster.error);
  return { kind: "revoked", cluster: cluster.value, incarnation, rows: "withdraw" };
}

const refusal = (at: number): AuditEvent => ({
  kind: "refused",
  call: "join",
  from: `192.0.2.1:${at}`,
  reason: "x".repeat(2000),
});

async function lines(name = "audit.jsonl"): Promise<Record<string, unknown>[]> {
  const text = await readFile(join(dir, name), "utf8");
  return text
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line) as Record<string, unknown>);
}

test("one JSON line per event, with its time, in order, for the owner's eyes only", async () => {
  const path = join(dir, "audit.jsonl");
  const audit = new FileAuditLog({ path }, { clock, log: silentLogger });
  audit.record(anEvent(1));
  await clock.advance(1500);
  audit.record(anEvent(2));
  await audit.flush();
  const common = { kind: "revoked", cluster: "east", rows: "withdraw" };
  expect(await lines()).toEqual([
    { at: "2026-01-01T00:00:00.000Z", ...common, incarnation: 1 },
    { at: "2026-01-01T00:00:01.500Z", ...common, incarnation: 2 },
  ]);
  expect((await stat(path)).mode & 0o777).toBe(0o600);
});

test("adds to what is there, and goes on in a new file when one is full; the oldest go", async () => {
  const path = join(dir, "audit.jsonl");
  for (let at = 0; at < 40; at += 1) {
    const audit = new FileAuditLog({ path, maxBytes: 1000, keep: 2 }, { clock, log: silentLogger });
    audit.record(anEvent(at));
    await audit.flush();
  }
  expect((await readdir(dir)).toSorted()).toEqual([
    "audit.jsonl",
    "audit.jsonl.1",
    "audit.jsonl.2",
  ]);
  const kept = [
    ...(await lines("audit.jsonl.2")),
    ...(await lines("audit.jsonl.1")),
    ...(await lines()),
  ].map(({ incarnation }) => incarnation);
  expect(kept).toEqual(Array.from({ length: kept.length }, (_, at) => 40 - kept.length + at));
  for (const name of await readdir(dir)) {
    expect((await stat(join(dir, name))).size).toBeLessThanOrEqual(1000);
  }
});

test("a flood of refusals is counted, and pushes nothing else out", async () => {
  const path = join(dir, "audit.jsonl");
  const audit = new FileAuditLog({ path }, { clock, log: silentLogger });
  for (let at = 0; at < 10_000; at += 1) audit.record(refusal(at));
  audit.record(anEvent(1));
  await clock.advance(60_000);
  audit.record(refusal(0));
  await audit.flush();
  const written = await lines();
  expect(written.filter(({ kind }) => kind === "refused")).toHaveLength(201);
  expect(written.at(-2)).toMatchObject({ kind: "refusals-suppressed", count: 9800 });
  expect(written.some(({ kind }) => kind === "revoked")).toBe(true);
  expect(String(written[0]?.["reason"])).toHaveLength(500);
});

test("a file that cannot be written is an error of the log, where the event is too", async () => {
  await writeFile(join(dir, "file"), "in the way");
  const logged: [string, LogFields | undefined][] = [];
  const note = (message: string, fields?: LogFields): void => void logged.push([message, fields]);
  const log: Logger = { ...silentLogger, info: note, error: note };
  const audit = new FileAuditLog({ path: join(dir, "file", "audit.jsonl") }, { clock, log });
  audit.record(anEvent(1));
  await audit.flush();
  expect(logged[0]).toEqual(["audit", { audit: anEvent(1) }]);
  expect(logged[1]?.[0]).toBe("audit not written");
});
