import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { systemClock } from "../../../runtime/clock/system-clock.ts";
import { VirtualClock } from "../../../runtime/clock/virtual-clock.ts";
import { silentLogger } from "../../../runtime/log/silent-log.ts";
import { seededRandom } from "../../../runtime/random/seeded-random.ts";
import type { StoreRecord } from "../../core/store-record.ts";
import { testCluster } from "../../wire/row-arbitrary.ts";
import { testReplicasCompliance } from "../replicas-compliance.ts";
import { MemorySpace } from "../space/memory/memory-space.ts";
import { MemorySpaceServer } from "../space/memory/memory-space-server.ts";
import type { Following, SpaceListener } from "../space/space.ts";
import { aDelete, aRow, contents, keyOf, testStoreCompliance } from "../store-compliance.ts";
import { openReplicatedStore } from "./open-replicated-store.ts";
import type { ReplicatedStore } from "./replicated-store.ts";

const a = testCluster("a");
const signal = new AbortController().signal;

interface Replica {
  readonly store: ReplicatedStore;
  readonly space: MemorySpace;
}

async function open(
  server: MemorySpaceServer,
  { clock = systemClock, tombstonesMax = 1000, tailEntries = 64 } = {},
): Promise<Replica> {
  const space = new MemorySpace(server);
  const deps = { space, clock, random: seededRandom(1), log: silentLogger };
  const opened = await openReplicatedStore({ tombstonesMax, tailEntries }, deps, signal);
  if (!opened.ok) throw new Error(opened.error.text);
  return { store: opened.value, space };
}

function namesOf(server: MemorySpaceServer, kind: string): string[] {
  return [...server.items.keys()].filter((name) => name.startsWith(`${kind}.`));
}

for (const tailEntries of [64, 3]) {
  const name = `ReplicatedStore over memory, folding ${tailEntries} entries`;
  testStoreCompliance(name, async () => {
    const server = new MemorySpaceServer();
    return { open: async () => (await open(server, { tailEntries })).store };
  });
  testReplicasCompliance(name, async () => {
    const server = new MemorySpaceServer();
    return { open: async () => (await open(server, { tailEntries })).store };
  });
}

describe("answers that are lost", () => {
  test("do not make an entry count twice, nor keep it from being acknowledged", async () => {
    const server = new MemorySpaceServer();
    const { store, space } = await open(server);
    space.lostAnswers = 1;
    expect((await store.append([aRow(1)])).ok).toBe(true);
    expect((await store.append([aRow(2)])).ok).toBe(true);
    expect(namesOf(server, "log").map((name) => name.slice(-3))).toEqual(["000", "001"]);
    await store.close();
  });
});

describe("a replica that is cut off", () => {
  test("acknowledges nothing, says so, and goes on where the others are once mended", async () => {
    const server = new MemorySpaceServer();
    const clock = new VirtualClock();
    const one = await open(server, { clock });
    const other = await open(server, { clock });
    const session = await one.store.openSession(a);
    if (!session.ok) throw new Error(session.error.text);
    await session.value.append([aRow(1)]);
    one.space.cut();
    const failing = session.value.append([aRow(2, "lost")]);
    await clock.advance(16_000);
    expect(await failing).toMatchObject({ ok: false, error: { kind: "store-failed" } });
    await clock.advance(10_000);
    expect(one.store.health().kind).toBe("failed");
    const later = await other.store.openSession(a);
    if (!later.ok) throw new Error(later.error.text);
    expect((await later.value.append([aRow(2, "new")])).ok).toBe(true);
    expect(session.value.replaced.aborted).toBe(false);
    one.space.mend();
    expect(session.value.replaced.aborted).toBe(true);
    expect(contents(one.store)).toEqual(contents(other.store));
    expect(await session.value.append([aRow(3)])).toMatchObject({ error: { kind: "replaced" } });
    await clock.advance(10_000);
    expect(one.store.health()).toEqual({ kind: "ok" });
  });

  test("stores nothing more of a life that was revoked meanwhile and whose rows are frozen", async () => {
    const server = new MemorySpaceServer();
    const clock = new VirtualClock();
    const one = await open(server, { clock });
    const other = await open(server, { clock });
    const member = { cluster: a, incarnation: 1, joinedAtMs: 5, certificateSerial: "ab" };
    await one.store.putMember(member);
    const session = await one.store.openSession(a);
    if (!session.ok) throw new Error(session.error.text);
    await session.value.append([aRow(1, "kept")]);
    one.space.cut();
    const late = session.value.append([aRow(2, "late")]);
    await clock.advance(1000);
    await other.store.putMember({ ...member, frozenAtMs: 7 });
    one.space.mend();
    await clock.advance(5000);
    expect(await late).toMatchObject({ ok: false, error: { kind: "replaced" } });
    expect(session.value.replaced.aborted).toBe(true);
    for (const { store } of [one, other]) {
      expect([...(store.table.owner(a)?.rows() ?? [])].map(([key]) => key)).toEqual([
        keyOf("kept"),
      ]);
    }
  });

  test("catches up even when what it missed has been folded, forgetting rows whose deletion nobody remembers", async () => {
    const server = new MemorySpaceServer();
    const options = { tombstonesMax: 2, tailEntries: 4 };
    const one = await open(server, options);
    const other = await open(server, options);
    await one.store.append([aRow(1, "old"), aRow(2, "kept")]);
    one.space.cut();
    await other.store.append([aDelete(3, "old")]);
    for (let sequence = 4; sequence < 40; sequence++) {
      const key = `row-${sequence >> 1}`;
      await other.store.append([sequence % 2 === 0 ? aRow(sequence, key) : aDelete(sequence, key)]);
    }
    await other.store.openSession(a);
    one.space.mend();
    expect(one.store.table.owner(a)?.row(keyOf("old"))).toBeUndefined();
    expect(contents(one.store)).toEqual(contents(other.store));
    const third = await open(server, options);
    expect(contents(third.store)).toEqual(contents(other.store));
  });

  test("an entry written at an index that has been folded meanwhile does not count, and is written again", async () => {
    const server = new MemorySpaceServer();
    const one = await open(server, { tailEntries: 4 });
    const other = await open(server, { tailEntries: 4 });
    await one.store.append([aRow(1)]);
    one.space.hold();
    for (let sequence = 2; sequence <= 9; sequence++) await other.store.append([aRow(sequence)]);
    await other.store.openSession(testCluster("b"));
    const stale = one.store.append([aRow(10, "late")]);
    await new Promise((resolve) => setImmediate(resolve));
    expect(other.store.table.owner(a)?.row(keyOf("late"))).toBeUndefined();
    one.space.release();
    expect((await stale).ok).toBe(true);
    await new Promise((resolve) => setImmediate(resolve));
    expect(namesOf(server, "log").filter((name) => name.endsWith("a.000000000001"))).toEqual([]);
    expect(other.store.table.owner(a)?.row(keyOf("late"))?.sequence).toBe(10);
    expect(contents(one.store)).toEqual(contents(other.store));
    const third = await open(server);
    expect(contents(third.store)).toEqual(contents(other.store));
  });
});

test("a replica that does not hear what it writes asks for one snapshot, and waits for it", async () => {
  class DeafSpace extends MemorySpace {
    restarts = 0;
    override follow(listener: SpaceListener): Following {
      const following = super.follow(listener);
      return { ...following, restart: () => void this.restarts++ };
    }
  }
  const clock = new VirtualClock();
  const space = new DeafSpace(new MemorySpaceServer());
  const deps = { space, clock, random: seededRandom(1), log: silentLogger };
  const opened = await openReplicatedStore({}, deps, signal);
  if (!opened.ok) throw new Error(opened.error.text);
  space.hold();
  const appends = ["a", "b", "c"].map((id) =>
    opened.value.append([{ ...aRow(1), cluster: testCluster(id) } as StoreRecord]),
  );
  await clock.advance(50_000);
  expect((await Promise.all(appends)).map(({ ok }) => ok)).toEqual([false, false, false]);
  expect(space.restarts).toBe(1);
  await clock.advance(60_000);
  expect(space.restarts).toBe(2);
});

test.each([
  { kind: "refused" as const, text: "etcdserver: mvcc: database space exceeded" },
  { kind: "unavailable" as const, text: "deadline exceeded" },
])(
  "a space that answers $kind: nothing is acknowledged or shown, until it takes writes again",
  async (refusal) => {
    const server = new MemorySpaceServer();
    const clock = new VirtualClock();
    const { store } = await open(server, { clock });
    await store.append([aRow(1)]);
    server.refusal = refusal;
    const failing = store.append([aRow(2, "lost")]);
    await clock.advance(20_000);
    const text = `cannot write store: ${refusal.text}`;
    expect(await failing).toEqual({ ok: false, error: { kind: "store-failed", text } });
    expect(store.health()).toMatchObject({ kind: "failed" });
    expect(store.table.owner(a)?.row(keyOf("lost"))).toBeUndefined();
    server.refusal = undefined;
    expect((await store.append([aRow(3, "after")])).ok).toBe(true);
    await clock.advance(10_000);
    expect(store.health()).toEqual({ kind: "ok" });
  },
);

test("a row that was deleted so long ago that nobody remembers does not come back from an old part", async () => {
  const server = new MemorySpaceServer();
  const { store } = await open(server, { tombstonesMax: 2, tailEntries: 3 });
  await store.append(ROWS.map((row, at) => aBigRow(at + 1, row)));
  for (let at = 0; at < 3; at++) await store.openSession(a);
  for (let sequence = 11; sequence < 60; sequence++) {
    await store.append([aDelete(sequence, sequence < 13 ? `r${sequence - 10}` : `x${sequence}`)]);
  }
  const again = await open(server);
  expect(again.store.table.owner(a)?.size).toBe(ROWS.length - 2);
  expect(shown(again.store)).toEqual(shown(store));
});

test("what an earlier epoch left behind is not taken for the present one, and goes", async () => {
  const server = new MemorySpaceServer();
  const old = await open(server);
  await old.store.append([aRow(1)]);
  server.remove("meta");
  const again = await open(server);
  expect(again.store.table.rowCount()).toBe(0);
  await again.store.append([aRow(1, "new")]);
  await new Promise((resolve) => setImmediate(resolve));
  expect(namesOf(server, "log")).toHaveLength(1);
  expect(namesOf(server, "replica").length).toBeLessThan(2);
});

describe("items that somebody removes by hand", () => {
  test.each(["log", "head", "part"])("%s: are written anew from the table", async (kind) => {
    const server = new MemorySpaceServer();
    const { store } = await open(server, { tailEntries: 4 });
    for (let sequence = 1; sequence <= 6; sequence++) {
      await store.append([aRow(sequence, `row-${sequence}`)]);
    }
    const [name = ""] = namesOf(server, kind);
    expect(server.items.has(name)).toBe(true);
    server.remove(name);
    await new Promise((resolve) => setImmediate(resolve));
    const before = contents(store);
    await store.close();
    const again = await open(server);
    expect(contents(again.store)).toEqual(before);
  });

  test("all of them: the store is lost, and the next one has another epoch", async () => {
    const server = new MemorySpaceServer();
    const { store } = await open(server);
    await store.append([aRow(1)]);
    for (const name of server.items.keys()) server.remove(name);
    expect(store.health()).toMatchObject({ kind: "lost" });
    expect((await store.append([aRow(2)])).ok).toBe(false);
    const again = await open(server);
    expect(again.store.epoch).not.toBe(store.epoch);
    expect(again.store.table.rowCount()).toBe(0);
  });
});

test("replicas that die stop counting within seconds, and are forgotten later", async () => {
  const server = new MemorySpaceServer();
  const clock = new VirtualClock();
  const one = await open(server, { clock });
  const other = await open(server, { clock });
  one.store.whereabouts.publish([{ cluster: a, incarnation: 4 }]);
  await clock.advance(1000);
  expect([...other.store.whereabouts.elsewhere().keys()]).toEqual(["a"]);
  await clock.advance(60_000);
  expect([...other.store.whereabouts.elsewhere().keys()]).toEqual(["a"]);
  one.space.cut();
  await clock.advance(26_000);
  expect(other.store.whereabouts.elsewhere().size).toBe(0);
  await clock.advance(130_000);
  expect(namesOf(server, "replica")).toHaveLength(1);
});

type Step =
  | {
      readonly kind: "write";
      readonly by: number;
      readonly row: string;
      readonly isDelete: boolean;
    }
  | { readonly kind: "cut" | "mend" | "hold" | "release" | "session"; readonly by: number }
  | { readonly kind: "life"; readonly by: number; readonly gone: boolean };

const ROWS = ["r1", "r2", "r3", "r4", "r5", "r6", "r7", "r8", "r9"];

function aBigRow(sequence: number, name: string): StoreRecord {
  return { ...aRow(sequence, name), bytes: Buffer.alloc(3000) } as StoreRecord;
}

const by = fc.nat(1);
const anyStep: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({
      kind: fc.constant("write" as const),
      by,
      row: fc.constantFrom(...ROWS),
      isDelete: fc.boolean(),
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constantFrom(...(["cut", "mend", "hold", "release", "session"] as const)),
      by,
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constant("life" as const), by, gone: fc.boolean() }),
  },
);

test("whatever is written, cut, held back and folded: all replicas, and one that opens later, show the same in the end", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(anyStep, { minLength: 10, maxLength: 80 }), async (steps) => {
      const clock = new VirtualClock();
      const server = new MemorySpaceServer();
      const options = { clock, tombstonesMax: 2, tailEntries: 3 };
      const replicas = [await open(server, options), await open(server, options)];
      let sequence = 20;
      let incarnation = 1;
      // A part that later ones do not outgrow: what is deleted of it must stay deleted.
      const [first] = replicas;
      await first?.store.append(ROWS.map((row, at) => aBigRow(at + 1, row)));
      for (let at = 0; at < 3; at++) await first?.store.openSession(a);
      for (const step of steps) {
        const replica = replicas[step.by];
        if (replica === undefined) throw new Error("two replicas");
        const { store, space } = replica;
        if (step.kind === "write") {
          sequence += 1;
          const record = step.isDelete ? aDelete(sequence, step.row) : aRow(sequence, step.row);
          void store.append([{ ...record, incarnation } as typeof record]);
        } else if (step.kind === "life") {
          if (step.gone) void store.removeMember(a);
          else incarnation += 1;
          void store.putMember({ cluster: a, incarnation, joinedAtMs: 1, certificateSerial: "1" });
        } else if (step.kind === "session") {
          void store.openSession(a);
        } else {
          space[step.kind]();
        }
        if (sequence % 3 === 0) await clock.advance(300);
      }
      for (const { space } of replicas) {
        space.release();
        space.mend();
      }
      await clock.advance(40_000);
      const [one, other] = replicas.map(({ store }) => store);
      if (one === undefined || other === undefined) throw new Error("two replicas");
      await one.append([aRow(1000, "last", 1000)]);
      expect(contents(other)).toEqual(contents(one));
      const third = await open(server, options);
      // A deletion that is remembered there longer than here is no difference.
      expect(shown(third.store)).toEqual(shown(one));
    }),
    { numRuns: 150 },
  );
});

function shown(store: ReplicatedStore): unknown {
  return {
    members: store.members(),
    departed: [...store.table.departures()],
    rows: [...store.table.owners()].map((owner) => [
      owner.incarnation,
      owner.sequence,
      owner.isComplete,
      [...owner.rows()].map(([key, row]) => `${key}@${row.sequence}`).sort(),
    ]),
  };
}
