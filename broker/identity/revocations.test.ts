import { mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { must } from "../../api/result.ts";
import { VirtualClock } from "../../runtime/clock/virtual-clock.ts";
import type { AuditEvent } from "../audit/audit-log.ts";
import { FolderRecords } from "../shared/folder-records.ts";
import { MemoryStore } from "../store/memory/memory-store.ts";
import { aRow } from "../store/store-compliance.ts";
import { testCluster } from "../wire/row-arbitrary.ts";
import { Revocations } from "./revocations.ts";
import { createToken } from "./token/create-token.ts";
import { TokenBook } from "./token/token-book.ts";

const a = testCluster("a");
const member = { cluster: a, incarnation: 4, joinedAtMs: 5, certificateSerial: "ab" };

let dir: string;
let clock: VirtualClock;
let store: MemoryStore;
let audited: AuditEvent[];
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), "isthmus-revoked-"));
  clock = new VirtualClock();
  store = new MemoryStore("e1");
  audited = [];
  await store.putMember(member);
  await store.append([aRow(1, "web", 4), { kind: "complete", cluster: a, incarnation: 4 }]);
});
afterEach(() => rm(dir, { recursive: true, force: true }));

const audit = { record: (event: AuditEvent) => void audited.push(event) };

function revocations(of = store): Revocations {
  const records = new FolderRecords(dir);
  return new Revocations({ records, store: of, tokens: new TokenBook(records), clock, audit });
}

describe("revoking", () => {
  test("with its rows withdrawn ends membership and takes the rows; the audit log says so", async () => {
    const revoked = { cluster: "a", incarnation: 4, rows: "withdraw" };
    expect(must(await revocations().revoke("a", "withdraw"))).toEqual(revoked);
    expect([store.members(), store.table.rowCount(), store.table.departed(a)]).toEqual([[], 0, 4]);
    expect(audited).toEqual([{ kind: "revoked", ...revoked }]);
  });

  test("with its rows frozen leaves them, and they can be withdrawn later", async () => {
    must(await revocations().revoke("a", "freeze"));
    expect(store.members()).toEqual([{ ...member, frozenAtMs: clock.nowMs() }]);
    expect(store.table.rowCount()).toBe(1);
    must(await revocations().revoke("a", "freeze"));
    must(await revocations().revoke("a", "withdraw"));
    expect([store.members(), store.table.rowCount()]).toEqual([[], 0]);
    expect(await readdir(join(dir, "revoked"))).toEqual([]);
  });

  test.each(["withdraw", "freeze"] as const)(
    "%s at a replica that has not heard that it joined again is an error: the next life is not touched",
    async (rows) => {
      const next = { ...member, incarnation: 5 };
      const stale: Pick<MemoryStore, "table" | "putMember" | "removeMember" | "append"> = {
        table: store.table,
        append: (records) => store.append(records),
        putMember: async (record) => {
          await store.putMember(next);
          return store.putMember(record);
        },
        removeMember: async () => {
          await store.putMember(next);
          return store.append([{ kind: "gone", cluster: a, incarnation: 4 }]);
        },
      };
      const records = new FolderRecords(dir);
      const deps = { records, store: stale, tokens: new TokenBook(records), clock, audit };
      const revoked = await new Revocations(deps).revoke("a", rows);
      expect(revoked.ok ? "" : revoked.error).toBe(
        "cannot revoke: must be its present life: a joined again meanwhile, with incarnation 5: revoke it again",
      );
      expect(store.members()).toEqual([next]);
    },
  );

  test("voids the token that is open for it", async () => {
    const tokens = new TokenBook(new FolderRecords(dir));
    const pins = ["f".repeat(43)];
    const deps = { tokens, members: store, pins, clock, audit };
    must(await createToken({ clusterId: "a", replace: true }, deps));
    must(await revocations().revoke("a", "withdraw"));
    expect(must(await tokens.reservation(a))).toBeUndefined();
  });

  test.each([
    { name: "never joined", act: async () => undefined, who: "b", want: "b never joined" },
    {
      name: "left before",
      act: () => store.removeMember(a),
      who: "a",
      want: "a left or was revoked before",
    },
    { name: "is no name", act: async () => undefined, who: "A b", want: "cannot parse cluster id" },
  ])("is refused for who $name, and says so", async ({ act, who, want }) => {
    await act();
    const revoked = await revocations().revoke(who, "freeze");
    expect(revoked.ok ? "" : revoked.error).toContain(want);
    expect(audited).toEqual([]);
  });
});

describe("a frozen member", () => {
  beforeEach(async () => void must(await revocations().revoke("a", "freeze")));

  test("stays frozen over a restart", async () => {
    const again = store.reopen();
    must(await revocations(again).restore());
    expect(again.members()).toMatchObject([{ frozenAtMs: clock.nowMs() }]);
    expect(again.table.rowCount()).toBe(1);
  });

  test("is frozen again when that was not stored before a crash", async () => {
    const older = new MemoryStore("e1");
    await older.putMember(member);
    must(await revocations(older).restore());
    expect(older.members()).toMatchObject([{ frozenAtMs: clock.nowMs() }]);
  });

  test("does not come back when the store is lost: its rows are gone, its certificate is void", async () => {
    const empty = new MemoryStore("e2");
    must(await revocations(empty).restore());
    expect(empty.table.departed(a)).toBe(4);
    await empty.putMember(member);
    expect(empty.members()).toEqual([]);
  });

  test("that has joined again is a member like any other, and nothing is left of it", async () => {
    await store.putMember({ ...member, incarnation: 5 });
    must(await revocations().restore());
    expect(store.members()).toEqual([{ ...member, incarnation: 5 }]);
    expect(await readdir(join(dir, "revoked"))).toEqual([]);
  });

  test("whose record is damaged keeps the broker from starting: who may connect cannot be told", async () => {
    await writeFile(join(dir, "revoked", "a.json"), '{"incarnation":"x"}');
    const restored = await revocations().restore();
    expect(restored.ok ? "" : restored.error).toContain("cannot read revocation: incarnation");
    expect(restored.ok ? "" : restored.error).toContain("revoked/a");
  });
});
