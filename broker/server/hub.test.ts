import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { MemberPresence_State } from "../../api/broker/broker.gen.ts";
import type { Result } from "../../api/result.ts";
import { VirtualClock } from "../../runtime/clock/virtual-clock.ts";
import type { LogFields } from "../../runtime/log/log.ts";
import { silentLogger } from "../../runtime/log/silent-log.ts";
import { silentMeter } from "../../runtime/metrics/silent-meter.ts";
import type { StoreRecord } from "../core/store-record.ts";
import { MemoryStore } from "../store/memory/memory-store.ts";
import type { StoreError } from "../store/store.ts";
import { testCluster } from "../wire/row-arbitrary.ts";
import { anExportRow } from "../wire/test-rows.ts";
import { FakeMember } from "./fake-member.ts";
import { Hub } from "./hub.ts";

const HEARTBEAT_MS = 1000;

/** A store whose disk fails on demand. */
class FailingStore extends MemoryStore {
  isFull = false;

  override append(records: readonly StoreRecord[]): Promise<Result<void, StoreError>> {
    if (!this.isFull) return super.append(records);
    const error = { kind: "store-failed" as const, text: "cannot write store: disk is full" };
    return Promise.resolve({ ok: false, error });
  }
}

let clock: VirtualClock;
let store: FailingStore;
let hub: Hub;
let logged: (readonly [string, LogFields | undefined])[];

function startHub(): Hub {
  const log = {
    ...silentLogger,
    info: (message: string, fields?: LogFields) => void logged.push([message, fields]),
  };
  const deps = { store, clock, log, meter: silentMeter };
  const started = new Hub({ clusterset: "set", heartbeatIntervalMs: HEARTBEAT_MS }, deps);
  started.start();
  return started;
}

beforeEach(() => {
  clock = new VirtualClock();
  store = new FailingStore("e1");
  logged = [];
  hub = startHub();
});
afterEach(() => hub.stop());

/** Promises of the store and the hub settle. */
async function settle(): Promise<void> {
  await clock.advance(0);
}

async function connect(cluster: string, incarnation = 1): Promise<FakeMember> {
  const peer = { cluster: testCluster(cluster), incarnation, certificateSerial: "01" };
  const member = new FakeMember(hub, peer);
  await settle();
  return member;
}

async function greet(
  cluster: string,
  namespaces: readonly string[] = ["shop"],
): Promise<FakeMember> {
  const member = await connect(cluster);
  member.hello({ namespaces: [...namespaces] });
  await settle();
  return member;
}

/** Lets time pass while these members ping. */
async function live(members: readonly FakeMember[], intervals: number): Promise<void> {
  for (let at = 0; at < intervals; at++) {
    await clock.advance(HEARTBEAT_MS);
    for (const member of members) member.ping();
  }
}

describe("letting in", () => {
  test("a member is not read before it is registered", async () => {
    const peer = { cluster: testCluster("a"), incarnation: 1, certificateSerial: "01" };
    const member = new FakeMember(hub, peer);
    expect(member.isPaused).toBe(true);
    await settle();
    expect(member.isPaused).toBe(false);
    expect(store.members()).toMatchObject([{ cluster: "a", incarnation: 1 }]);
    expect(logged).toEqual([["member connected", { cluster: "a", incarnation: 1 }]]);
  });

  test("a second stream replaces the first, whose end does not end the second", async () => {
    const older = await greet("a");
    const newer = await greet("a");
    expect(older.closed).toMatchObject({ kind: "replaced" });
    older.connection.ended();
    expect(hub.connectedMembers).toEqual(["a"]);
    newer.connection.ended();
    expect(hub.connectedMembers).toEqual([]);
  });

  test("a certificate of a life that is over is turned away, a later one begins a life (CLN-13)", async () => {
    const second = await connect("a", 2);
    const stale = await connect("a", 1);
    expect(stale.closed).toEqual({
      kind: "over",
      text: "certificate must be of the current incarnation 2 of a: got 1",
    });
    expect(second.closed).toBeUndefined();
    await connect("a", 3);
    expect(second.closed).toMatchObject({ kind: "replaced" });
  });

  test("a member that is removed is turned out and stays out", async () => {
    const member = await greet("a");
    await store.removeMember(testCluster("a"));
    expect(member.closed).toMatchObject({ kind: "over" });
    const again = await connect("a");
    expect(again.closed?.text).toBe(
      "cluster must be a member: a left with incarnation 1: certificate is of 1",
    );
  });
});

describe("a stream and its certificate", () => {
  test("ends when the certificate does, within a heartbeat, whatever is said over it", async () => {
    const peer = { cluster: testCluster("a"), incarnation: 1, certificateSerial: "01" };
    const certificateExpiresAtMs = clock.nowMs() + 10_500;
    const member = new FakeMember(hub, { ...peer, certificateExpiresAtMs });
    await settle();
    member.hello();
    await live([member], 10);
    expect(member.closed).toBeUndefined();
    await live([member], 1);
    expect(member.closed).toEqual({
      kind: "expired",
      text: "client certificate must be unexpired: it expired at 2026-01-01T00:00:10.500Z",
    });
  });

  test("ends in the moment its member is revoked; its rows stay as they are and nobody writes them", async () => {
    const [writer, reader] = [await greet("a"), await greet("b")];
    writer.complete();
    writer.put(1, anExportRow());
    await settle();
    const [record] = store.members().filter(({ cluster }) => cluster === "a");
    if (record === undefined) throw new Error("no member a");
    await store.putMember({ ...record, frozenAtMs: clock.nowMs() });
    const text =
      "cluster must not be revoked: a was at 2026-01-01T00:00:00.000Z: it must join again";
    expect(writer.closed).toEqual({ kind: "over", text });
    expect((await connect("a")).closed).toEqual({ kind: "over", text });
    expect(reader.kinds()).not.toContain("ownerGone");
    const last = reader.heard.at(-1);
    const said = last?.kind === "message" ? last.message : undefined;
    const frozen = { clusterId: "a", state: MemberPresence_State.FROZEN };
    expect(said).toMatchObject({ $case: "presence", value: { members: [frozen] } });
    const late = await greet("c");
    expect(late.kinds()).toContain("rowPut");
    // Its next life takes the rows over, and withdrawing it afterwards is possible as ever.
    expect((await connect("a", 2)).closed).toBeUndefined();
    await store.removeMember(testCluster("a"));
    expect(late.kinds()).toContain("ownerGone");
  });
});

describe("draining", () => {
  test("asks everybody to move and turns away who comes; it is over when all have gone", async () => {
    const [one, two] = [await greet("a"), await greet("b")];
    let isOver = false;
    const drained = hub.drain(5000).then(() => (isOver = true));
    const asked = one.heard.at(-1);
    expect(asked).toEqual({
      kind: "message",
      message: { $case: "goAway", value: { withinMs: 4000 } },
    });
    expect((await connect("c")).closed).toMatchObject({ kind: "stopping" });
    one.put(1, anExportRow());
    await settle();
    expect(store.table.owner(testCluster("a"))?.size).toBe(1);
    one.connection.ended();
    await settle();
    expect(isOver).toBe(false);
    two.connection.ended();
    await drained;
  });

  test("does not wait for ever", async () => {
    const member = await greet("a");
    const drained = hub.drain(5000);
    await live([member], 5);
    await drained;
    hub.stop();
    expect(member.closed).toMatchObject({ kind: "stopping" });
  });

  test("is over at once when there is nobody, or no time", async () => {
    await hub.drain(5000);
    await greet("a");
    await hub.drain(0);
  });
});

describe("other members", () => {
  test("hear that one left though it has joined again in the same moment (CLN-13)", async () => {
    const [writer, reader] = [await greet("a"), await greet("b")];
    writer.complete();
    writer.put(1, anExportRow());
    await settle();
    const from = reader.heard.length;
    const cluster = testCluster("a");
    const member = { cluster, incarnation: 2, joinedAtMs: 0, certificateSerial: "02" };
    await store.append([
      { kind: "gone", cluster, incarnation: 1 },
      { kind: "member", member },
    ]);
    expect(reader.kinds(from).filter((kind) => kind !== "presence")).toEqual(["ownerGone"]);
  });

  test("hear nothing of an owner before it is complete, then everything at once (I7)", async () => {
    const [writer, reader] = [await greet("a"), await greet("b")];
    const from = reader.heard.length;
    writer.put(1, anExportRow());
    await settle();
    expect(reader.kinds(from)).toEqual([]);
    writer.complete();
    await settle();
    expect(reader.kinds(from)).toEqual(["ownerReset", "rowPut", "ownerComplete"]);
  });
});

describe("silence", () => {
  test("of three intervals ends a stream; a ping in time keeps it", async () => {
    const [silent, alive] = [await greet("a"), await greet("b")];
    await live([alive], 5);
    expect([silent.closed?.kind, alive.closed]).toEqual(["silent", undefined]);
    expect(hub.connectedMembers).toEqual(["b"]);
  });

  test("before Hello ends it too", async () => {
    const mute = await connect("a");
    await clock.advance(5 * HEARTBEAT_MS);
    expect(mute.closed?.kind).toBe("silent");
  });
});

describe("a member that does not read", () => {
  test("is owed only the latest state, and gets it when it reads", async () => {
    const writer = await greet("a");
    const reader = await greet("b");
    writer.complete();
    await settle();
    // One more message, and it is full: the first row of the burst.
    reader.room = 1;
    for (let at = 1; at <= 500; at++) writer.put(at, anExportRow({ createdAtMs: at }));
    await settle();
    const from = reader.heard.length;
    expect(reader.kinds().filter((kind) => kind === "rowPut")).toHaveLength(1);
    reader.read();
    expect(reader.kinds(from)).toEqual(["ownerComplete", "rowPut", "ownerComplete"]);
    expect(reader.heard.at(-2)).toMatchObject({ sequence: 500 });
  });

  test("never slows another", async () => {
    const [writer, stuck, reader] = [await greet("a"), await greet("b"), await greet("c")];
    stuck.room = 0;
    writer.complete();
    writer.put(1, anExportRow());
    await settle();
    expect(reader.kinds()).toContain("rowPut");
    expect(stuck.kinds()).not.toContain("rowPut");
  });

  test("is cut off after twelve intervals, though it pings", async () => {
    const stuck = await greet("b");
    stuck.room = 0;
    stuck.ping();
    await live([stuck], 11);
    expect(stuck.closed).toBeUndefined();
    await live([stuck], 2);
    expect(stuck.closed?.kind).toBe("unread");
    expect(stuck.closed?.text).toMatch(/^member must read within 12000 ms: has not for 1\d+ ms$/);
  });
});

describe("a member that floods", () => {
  test("is read at the pace of its budget, also over a new stream, and is not called silent", async () => {
    const flooder = await greet("a");
    let said = 0;
    while (!flooder.isPaused) {
      flooder.ping();
      said += 1;
    }
    expect(said).toBeGreaterThan(49_000);
    flooder.connection.ended();
    const again = await connect("a");
    expect(again.isPaused).toBe(true);
    await clock.advance(10);
    expect([again.isPaused, again.closed]).toEqual([false, undefined]);
  });

  test("costs the others nothing: their budgets are their own", async () => {
    const [flooder, other] = [await greet("a"), await greet("b")];
    while (!flooder.isPaused) flooder.ping();
    expect(other.isPaused).toBe(false);
  });
});

describe("a store that cannot write", () => {
  test("closes the writer's stream and acknowledges nothing", async () => {
    const [writer, reader] = [await greet("a"), await greet("b")];
    writer.complete();
    await settle();
    store.isFull = true;
    const from = [writer.heard.length, reader.heard.length];
    writer.put(1, anExportRow());
    await settle();
    expect(writer.closed).toEqual({
      kind: "store-failed",
      text: "cannot write store: disk is full",
    });
    // All that the other hears is that the writer is no longer there.
    expect([writer.kinds(from[0]), reader.kinds(from[1]), reader.closed]).toEqual([
      [],
      ["presence"],
      undefined,
    ]);
  });

  test("turns a new member away, to come back", async () => {
    store.isFull = true;
    const member = await connect("a");
    expect(member.closed?.kind).toBe("store-failed");
    expect(member.isPaused).toBe(true);
  });

  test("does not turn away one that it knows and that asks for nothing new", async () => {
    await greet("a");
    store.isFull = true;
    const again = await greet("a");
    expect(again.kinds()).toContain("synced");
  });
});

describe("stopping", () => {
  test("closes every stream with a reason to come back, and withdraws nothing (CLN-10)", async () => {
    const writer = await greet("a");
    writer.complete();
    writer.put(1, anExportRow());
    await settle();
    hub.stop();
    hub.stop();
    expect(writer.closed).toMatchObject({ kind: "stopping" });
    expect(store.table.owner(testCluster("a"))?.size).toBe(1);
    expect(clock.nextTimerMs()).toBeUndefined();
  });

  test("turns away who comes meanwhile over a connection that is still there", async () => {
    hub.stop();
    const late = await connect("a");
    expect([late.closed?.kind, late.isPaused, hub.connectedMembers]).toEqual([
      "stopping",
      true,
      [],
    ]);
  });
});
