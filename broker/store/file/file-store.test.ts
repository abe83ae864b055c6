import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { VirtualClock } from "../../../runtime/clock/virtual-clock.ts";
import type { Logger } from "../../../runtime/log/log.ts";
import { silentLogger } from "../../../runtime/log/silent-log.ts";
import { silentMeter } from "../../../runtime/metrics/silent-meter.ts";
import { seededRandom } from "../../../runtime/random/seeded-random.ts";
import { testCluster } from "../../wire/row-arbitrary.ts";
import { aRow, contents, keyOf, testStoreCompliance } from "../store-compliance.ts";
import { FaultyFolder } from "./faulty-folder.ts";
import { FileStore, type FileStoreOptions } from "./file-store.ts";

const a = testCluster("a");

async function open(
  folder: FaultyFolder,
  options: FileStoreOptions = {},
  { clock = new VirtualClock(), log = silentLogger }: { clock?: VirtualClock; log?: Logger } = {},
): Promise<FileStore> {
  const lock = { release: () => undefined };
  const random = seededRandom(1);
  const opened = await FileStore.open(options, {
    folder,
    lock,
    clock,
    random,
    log,
    meter: silentMeter,
  });
  if (!opened.ok) throw new Error(opened.error.text);
  return opened.value;
}

function names(store: FileStore): string[] {
  const keys = [...(store.table.owner(a)?.rows() ?? [])].map(([key]) => key);
  return keys.map((key) => key.split("/")[2] ?? "");
}

testStoreCompliance("FileStore", async () => {
  const folder = new FaultyFolder();
  return { open: () => open(folder) };
});

testStoreCompliance("FileStore that compacts all the time", async () => {
  const folder = new FaultyFolder();
  return { open: () => open(folder, { compactBytes: 1 }) };
});

describe("a crash", () => {
  test("loses nothing that was acknowledged, wherever the write tore", async () => {
    await fc.assert(
      fc.asyncProperty(fc.nat(20), fc.nat(200), fc.boolean(), async (count, torn, compacting) => {
        const folder = new FaultyFolder();
        const store = await open(folder, compacting ? { compactBytes: 100 } : {});
        for (let at = 1; at <= count; at++) await store.append([aRow(at, `s${at}`)]);
        const acknowledged = contents(store);
        folder.fault = { on: "sync", text: "power is going" };
        await store.append([aRow(100, "unacknowledged"), aRow(101, "too")]);
        folder.crash(torn);
        folder.fault = undefined;
        const again = await open(folder);
        expect(names(again).filter((name) => name !== "unacknowledged" && name !== "too")).toEqual(
          Array.from({ length: count }, (_, at) => `s${at + 1}`),
        );
        if (torn === 0) expect(contents(again)).toEqual(acknowledged);
        expect((await again.append([aRow(200, "next")])).ok).toBe(true);
        await again.close();
        expect(names(await open(folder))).toContain("next");
      }),
    );
  });

  test("before the rename of a compaction leaves the old log, and no temporary file", async () => {
    const folder = new FaultyFolder();
    const store = await open(folder, { compactBytes: 1 });
    folder.fault = { on: "rename", text: "gone" };
    await store.append([aRow(1)]);
    expect((await store.append([aRow(2, "db")])).ok).toBe(true);
    expect((await store.append([aRow(3, "late")])).ok).toBe(false);
    expect(store.health().kind).toBe("failed");
    folder.crash();
    folder.fault = undefined;
    const again = await open(folder);
    expect(names(again)).toEqual(["web", "db"]);
    expect(await folder.list()).toEqual(["log-1"]);
  });
});

describe("a disk that fails", () => {
  test.each(["append", "sync"] as const)(
    "on %s: nothing is acknowledged or shown, the store says so, and heals by itself",
    async (on) => {
      const folder = new FaultyFolder();
      const clock = new VirtualClock();
      const store = await open(folder, {}, { clock });
      await store.append([aRow(1)]);
      folder.fault = { on, text: "ENOSPC: no space left on device" };
      const reason = "cannot write store: ENOSPC: no space left on device";
      const results = await Promise.all([store.append([aRow(2, "lost")]), store.append([])]);
      for (const result of results) {
        expect(result).toEqual({ ok: false, error: { kind: "store-failed", text: reason } });
      }
      expect(store.health()).toEqual({ kind: "failed", reason });
      expect((await store.append([aRow(3, "early")])).ok).toBe(false);
      await clock.advance(5000);
      expect(store.health().kind).toBe("failed");
      folder.fault = undefined;
      await clock.advance(60_000);
      expect(store.health()).toEqual({ kind: "ok" });
      expect((await store.append([aRow(4, "after")])).ok).toBe(true);
      await store.close();
      expect(names(await open(folder))).toEqual(["web", "after"]);
    },
  );

  test("that hangs acknowledges nothing and is said while it lasts", async () => {
    const folder = new FaultyFolder();
    const clock = new VirtualClock();
    const store = await open(folder, {}, { clock });
    const answer = Promise.withResolvers<void>();
    folder.syncing = () => answer.promise;
    const written = store.append([aRow(1)]);
    await clock.advance(9000);
    expect(store.health()).toEqual({ kind: "ok" });
    await clock.advance(3000);
    expect(store.health()).toEqual({
      kind: "failed",
      reason:
        "cannot write store: a write must take at most 10000 ms: one is under way for 12000 ms",
    });
    expect(names(store)).toEqual([]);
    answer.resolve();
    expect(await written).toMatchObject({ ok: true });
    expect([store.health(), names(store)]).toEqual([{ kind: "ok" }, ["web"]]);
  });

  test("while compacting keeps writing to the old log", async () => {
    const folder = new FaultyFolder();
    const store = await open(folder, { compactBytes: 1 });
    folder.fault = { on: "create", text: "ENOSPC" };
    await store.append([aRow(1)]);
    expect((await store.append([aRow(2, "db")])).ok).toBe(true);
    folder.crash();
    folder.fault = undefined;
    expect(names(await open(folder))).toEqual(["web", "db"]);
  });

  test("when opened is a clear error", async () => {
    const folder = new FaultyFolder();
    folder.fault = { on: "create", text: "EROFS: read-only file system" };
    const lock = { release: () => undefined };
    const deps = {
      clock: new VirtualClock(),
      random: seededRandom(1),
      log: silentLogger,
      meter: silentMeter,
    };
    expect(await FileStore.open({}, { folder, lock, ...deps })).toEqual({
      ok: false,
      error: { kind: "store-failed", text: "cannot open store: EROFS: read-only file system" },
    });
  });
});

describe("damage in the middle of a log", () => {
  test("begins a new epoch with what is left, nobody complete, the old log kept, and an error", async () => {
    const folder = new FaultyFolder();
    const store = await open(folder);
    await store.putMember({ cluster: a, incarnation: 1, joinedAtMs: 1, certificateSerial: "ab" });
    const at = folder.size("log-1") + 12;
    await store.append([aRow(1, "hit")]);
    await store.append([aRow(2, "kept"), { kind: "complete", cluster: a, incarnation: 1 }]);
    await store.close();
    folder.corrupt("log-1", at);
    const errors: unknown[] = [];
    const log: Logger = {
      ...silentLogger,
      error: (message, fields) => errors.push([message, fields]),
    };
    const again = await open(folder, {}, { log });
    expect(names(again)).toEqual(["kept"]);
    expect(again.epoch).not.toBe(store.epoch);
    expect(again.table.owner(a)?.isComplete).toBe(false);
    expect(again.members()).toHaveLength(1);
    expect(await folder.list()).toEqual(expect.arrayContaining(["damaged-log-1", "log-2"]));
    expect(errors).toEqual([
      [
        expect.stringContaining("store damaged"),
        expect.objectContaining({ salvagedRecords: 2, atByte: at - 12 }),
      ],
    ]);
  });

  test("of any byte never loses a later whole record silently, and never throws", async () => {
    await fc.assert(
      fc.asyncProperty(fc.nat(), async (where) => {
        const folder = new FaultyFolder();
        const store = await open(folder);
        for (let at = 1; at <= 5; at++) await store.append([aRow(at, `s${at}`)]);
        await store.close();
        const at = where % folder.size("log-1");
        folder.corrupt("log-1", at);
        const again = await open(folder);
        const left = names(again);
        // One frame is hit: either others follow it and the epoch changes, or it was the last, as if torn.
        const isSameEpoch = again.epoch === store.epoch;
        expect(left.length === 4 || (!isSameEpoch && left.length === 0)).toBe(true);
        if (left.includes("s5")) expect(isSameEpoch).toBe(false);
      }),
    );
  });

  test("does not take a record hidden in a member's row for one of the log", async () => {
    const folder = new FaultyFolder();
    const store = await open(folder);
    const other = new FaultyFolder();
    const forger = await open(other);
    await forger.append([aRow(7, "forged")]);
    const hidden = await other.read("log-1");
    const row = aRow(1);
    if (row.kind !== "row") throw new Error("aRow makes rows");
    await store.append([{ ...row, bytes: hidden }]);
    folder.corrupt("log-1", folder.size("log-1") - hidden.length - 4);
    const again = await open(folder);
    expect(again.table.owner(a)?.row(keyOf("forged"))).toBeUndefined();
  });
});
