import { describe, expect, test } from "vitest";
import type { BrokerMessage, Hello, MemberMessage } from "../../api/broker/broker.gen.ts";
import { type Row, rowKey } from "../../api/broker/row.ts";
import { UNLIMITED } from "../policy/cluster-policy.ts";
import { encodeRow, encodeRowBytes } from "../wire/encode-row.ts";
import { LIMITS } from "../wire/limits.ts";
import { testCluster } from "../wire/row-arbitrary.ts";
import { rowDigest } from "../wire/row-digest.ts";
import { anExportRow } from "../wire/test-rows.ts";
import { BrokerTable } from "./broker-table.ts";
import { Presence } from "./presence.ts";
import { Session } from "./session.ts";
import type { SessionEffect } from "./session-io.ts";

const a = testCluster("a");
const b = testCluster("b");
const HEARTBEAT_MS = 1000;

type Said = NonNullable<MemberMessage["message"]>;

/** A session of member a at time 0, with a table in reach. */
class World {
  readonly table = new BrokerTable();
  readonly presence = new Presence(0);
  readonly session: Session;
  nowMs = 0;

  constructor() {
    const peer = { cluster: a, incarnation: 1, certificateSerial: "01" };
    this.session = new Session(
      {
        peer,
        clusterset: "set",
        storeEpoch: "e1",
        heartbeatIntervalMs: HEARTBEAT_MS,
        policy: UNLIMITED,
        nowMs: 0,
      },
      this.table,
      this.presence,
    );
  }

  hear(message: Said | undefined): readonly SessionEffect[] {
    return this.session.step({ kind: "message", message, nowMs: this.nowMs });
  }

  hello(change: Partial<Hello> = {}): readonly SessionEffect[] {
    const value = {
      protocolVersions: [1],
      storeEpoch: "",
      namespaces: [],
      known: [],
      cidrs: [],
      capabilities: [],
      ownDigest: new Uint8Array(),
    };
    return this.hear({ $case: "hello", value: { ...value, ...change } });
  }

  /** Greeted, and everything about it has been read. */
  open(change: Partial<Hello> = {}): this {
    this.hello(change);
    this.session.step({ kind: "settled" });
    this.session.step({ kind: "turn" });
    this.pullAll();
    return this;
  }

  put(sequence: number, row: Row = anExportRow()): readonly SessionEffect[] {
    return this.hear({ $case: "put", value: { sequence, row: encodeRow(row) } });
  }

  badPut(sequence: number): readonly SessionEffect[] {
    const row = encodeRow(anExportRow({ sessionAffinity: "Sometimes" }));
    return this.hear({ $case: "put", value: { sequence, row } });
  }

  tick(nowMs: number): readonly SessionEffect[] {
    this.nowMs = nowMs;
    return this.session.step({ kind: "tick", nowMs });
  }

  /** What it says until it has nothing more to say. */
  pullAll(): (NonNullable<BrokerMessage["message"]> | { readonly $case: "rowPut" | "batch" })[] {
    const said: (NonNullable<BrokerMessage["message"]> | { readonly $case: "rowPut" | "batch" })[] =
      [];
    for (
      let next = this.session.pull(this.nowMs);
      next !== undefined;
      next = this.session.pull(this.nowMs)
    ) {
      if (next.kind === "message") said.push(next.message);
      else said.push({ $case: next.kind === "row" ? "rowPut" : "batch" });
    }
    return said;
  }
}

function closed(effects: readonly SessionEffect[]): string | undefined {
  const [effect] = effects;
  return effect?.kind === "close" ? `${effect.reason.kind}: ${effect.reason.text}` : undefined;
}

describe("greeting", () => {
  test("waits until what was appended before is in the table, then says Welcome first", () => {
    const world = new World();
    expect(world.hello()).toEqual([{ kind: "settle" }]);
    expect([world.session.pull(0), world.session.wantsInput]).toEqual([undefined, false]);
    world.session.step({ kind: "settled" });
    world.session.step({ kind: "turn" });
    expect(world.session.wantsInput).toBe(true);
    const [welcome, ...rest] = world.pullAll();
    expect(welcome).toEqual({
      $case: "welcome",
      value: {
        protocolVersion: 1,
        clusterset: "set",
        storeEpoch: "e1",
        incarnation: 1,
        sequence: 0,
        heartbeatIntervalMs: HEARTBEAT_MS,
        capabilities: [],
      },
    });
    expect(rest.map(({ $case }) => $case)).toEqual(["ownRowsEnd", "presence", "synced"]);
  });

  test("lists the member's own rows as they are when they are told", () => {
    const world = new World();
    const rows = ["one", "two", "three"].map((name) => anExportRow({ name }));
    rows.forEach((row, at) => {
      const record = { cluster: a, incarnation: 1, sequence: at + 1, key: rowKey(row) };
      world.table.apply({ kind: "row", ...record, bytes: encodeRowBytes(row) });
    });
    world.hello();
    world.session.step({ kind: "settled" });
    world.session.step({ kind: "turn" });
    world.session.pull(0);
    // Deleted between Welcome and its turn in the list.
    const gone = {
      cluster: a,
      incarnation: 1,
      sequence: 4,
      key: rowKey(anExportRow({ name: "two" })),
    };
    world.table.apply({ kind: "delete", ...gone });
    const own = world.pullAll().filter((message) => message.$case === "ownRow");
    expect(own.map(({ value }) => [value.key, Buffer.from(value.digest)])).toEqual(
      [rows[0], rows[2]].map((row) => {
        if (row === undefined) throw new Error("row missing");
        return [rowKey(row), Buffer.from(rowDigest(row))];
      }),
    );
  });

  test("a member that knows an owner of this epoch gets only what changed", () => {
    const world = new World();
    const rows = ["one", "two"].map((name) => anExportRow({ cluster: b, name }));
    rows.forEach((row, at) => {
      const record = { cluster: b, incarnation: 1, sequence: at + 1, key: rowKey(row) };
      world.table.apply({ kind: "row", ...record, bytes: encodeRowBytes(row) });
    });
    world.table.apply({ kind: "complete", cluster: b, incarnation: 1 });
    const known = [{ clusterId: "b", incarnation: 1, sequence: 1 }];
    world.hello({ storeEpoch: "e1", namespaces: ["shop"], known });
    world.session.step({ kind: "settled" });
    world.session.step({ kind: "turn" });
    expect(world.pullAll().map(({ $case }) => $case)).toEqual([
      "welcome",
      "ownRowsEnd",
      "presence",
      "rowPut",
      "ownerComplete",
      "synced",
    ]);
  });

  test("a member that comes from another epoch is sent everything anew", () => {
    const world = new World();
    world.table.apply({ kind: "complete", cluster: b, incarnation: 1 });
    const known = [{ clusterId: "b", incarnation: 1, sequence: 0 }];
    world.hello({ storeEpoch: "e0", known });
    world.session.step({ kind: "settled" });
    world.session.step({ kind: "turn" });
    expect(world.pullAll().map(({ $case }) => $case)).toContain("ownerReset");
  });
});

test("an unknown message is skipped: a later version may say more", () => {
  const world = new World().open();
  expect(world.hear(undefined)).toEqual([]);
  expect(world.put(1)).not.toEqual([]);
});

describe("a stream is closed, with the rule and the value seen, by", () => {
  test.each<{ name: string; act: (world: World) => readonly SessionEffect[]; why: string }>([
    {
      name: "a first message other than Hello",
      act: (world) => world.put(1),
      why: "protocol: first message must be Hello: got put",
    },
    {
      name: "an unknown message in place of Hello",
      act: (world) => world.hear(undefined),
      why: "protocol: first message must be Hello: got an empty or unknown one",
    },
    {
      name: "a second Hello",
      act: (world) => world.open().hello(),
      why: "protocol: Hello must be sent once: got another",
    },
    {
      name: "a write before the broker has answered Hello",
      act: (world) => {
        world.hello();
        return world.put(1);
      },
      why: "protocol: first message must be Hello: got put",
    },
    {
      name: "a Hello without a version in common",
      act: (world) => world.hello({ protocolVersions: [9] }),
      why: "protocol: protocol version must be one the broker speaks (1): got [9]",
    },
    {
      name: "namespaces that add up to too many",
      act: (world) => {
        const half = Array.from({ length: LIMITS.namespacesPerMember }, (_, at) => `n${at}`);
        world.open({ namespaces: half });
        const value = { add: ["one-more"], remove: [], generation: 1 };
        return world.hear({ $case: "subscribe", value });
      },
      why: "protocol: namespaces must be at most 50000: got 50001",
    },
    {
      name: "a namespace that is none",
      act: (world) => {
        const value = { add: ["No"], remove: [], generation: 1 };
        return world.open().hear({ $case: "subscribe", value });
      },
      why: 'protocol: cannot parse namespace: must be a lower-case RFC 1123 DNS label ([a-z0-9-], starting and ending with a letter or digit): got "No"',
    },
    {
      name: "silence",
      act: (world) => world.open().tick(3 * HEARTBEAT_MS + 1),
      why: "silent: member must send within 3000 ms: silent for 3001 ms",
    },
    {
      name: "silence before Hello",
      act: (world) => world.tick(3 * HEARTBEAT_MS + 1),
      why: "silent: member must send within 3000 ms: silent for 3001 ms",
    },
  ])("$name", ({ act, why }) => {
    const world = new World();
    expect(closed(act(world))).toBe(why);
    // Closed for good: nothing is read, said or done any more.
    expect(world.session.wantsInput).toBe(false);
    expect(world.session.pull(0)).toBeUndefined();
    expect([...world.put(1), ...world.tick(99_999)]).toEqual([]);
  });
});

describe("silence", () => {
  test("is counted from the last message of any kind, and its limit is inclusive", () => {
    const world = new World().open();
    expect(world.tick(3 * HEARTBEAT_MS)).toEqual([]);
    world.hear({ $case: "ping", value: { nonce: 1 } });
    expect(world.tick(6 * HEARTBEAT_MS)).toEqual([]);
    expect(closed(world.tick(6 * HEARTBEAT_MS + 1))).toMatch(/^silent/);
  });

  test("is no silence while the broker does not read", () => {
    const world = new World().open();
    for (let at = 1; at <= LIMITS.unreadRefusals; at++) world.badPut(at);
    expect(world.session.wantsInput).toBe(false);
    expect(world.tick(60 * HEARTBEAT_MS)).toEqual([]);
    world.pullAll();
    expect(world.tick(62 * HEARTBEAT_MS)).toEqual([]);
    expect(closed(world.tick(64 * HEARTBEAT_MS))).toMatch(/^silent/);
  });
});

describe("answers", () => {
  test("a write is appended and told as stored only when it is durable", () => {
    const world = new World().open();
    expect(world.put(7)).toMatchObject([
      { kind: "append", sequence: 7, records: [{ kind: "row", sequence: 7 }] },
    ]);
    expect(world.pullAll()).toEqual([]);
    world.session.step({ kind: "durable", sequence: 7 });
    expect(world.pullAll()).toEqual([{ $case: "stored", value: { sequence: 7 } }]);
  });

  test("many durable writes are told by one Stored, a refusal before it", () => {
    const world = new World().open();
    world.put(1);
    world.put(2, anExportRow({ name: "two" }));
    expect(world.badPut(3).map(({ kind }) => kind)).toEqual(["refused", "append"]);
    world.session.step({ kind: "durable", sequence: 1 });
    world.session.step({ kind: "durable", sequence: 3 });
    world.session.step({ kind: "durable", sequence: 2 });
    expect(world.pullAll().map(({ $case }) => $case)).toEqual(["refused", "stored"]);
  });

  test("the latest ping is answered", () => {
    const world = new World().open();
    for (const nonce of [1, 2, 3]) world.hear({ $case: "ping", value: { nonce } });
    expect(world.pullAll()).toEqual([{ $case: "pong", value: { nonce: 3 } }]);
  });

  test("Synced repeats the generation of the Subscribe", () => {
    const world = new World().open();
    const value = { add: ["shop"], remove: [], generation: 5 };
    world.hear({ $case: "subscribe", value });
    expect(world.pullAll()).toEqual([{ $case: "synced", value: { generation: 5 } }]);
  });
});

test("a Subscribe is answered with the rows of what it adds, not of what was there", () => {
  const world = new World().open({ namespaces: ["n1"] });
  ["n1", "n2", "n3"].forEach((namespace, at) => {
    const row = anExportRow({ cluster: b, namespace });
    const record = { cluster: b, incarnation: 1, sequence: at + 1, key: rowKey(row) };
    world.table.apply({ kind: "row", ...record, bytes: encodeRowBytes(row) });
  });
  world.table.apply({ kind: "complete", cluster: b, incarnation: 1 });
  world.session.step({ kind: "owners-changed", clusters: new Set([b]) });
  expect(world.pullAll().filter(({ $case }) => $case === "rowPut")).toHaveLength(1);
  const value = { add: ["n2"], remove: [], generation: 1 };
  world.hear({ $case: "subscribe", value });
  expect(world.pullAll().map(({ $case }) => $case)).toEqual([
    "ownerReset",
    "rowPut",
    "ownerComplete",
    "synced",
  ]);
});

describe("input is not wanted", () => {
  test("while too many refusals are unread; reading them makes room", () => {
    const world = new World().open();
    for (let at = 1; at < LIMITS.unreadRefusals; at++) world.badPut(at);
    expect(world.session.wantsInput).toBe(true);
    world.badPut(LIMITS.unreadRefusals);
    expect(world.session.wantsInput).toBe(false);
    expect(world.session.pull(0)).toMatchObject({ message: { $case: "refused" } });
    expect(world.session.wantsInput).toBe(true);
  });

  test("while too many writes are on their way to the store", () => {
    const world = new World().open();
    for (let at = 1; at <= LIMITS.unstoredWrites; at++)
      world.put(at, anExportRow({ name: `s${at}` }));
    expect(world.session.wantsInput).toBe(false);
    world.session.step({ kind: "durable", sequence: 1 });
    expect(world.session.wantsInput).toBe(true);
  });
});
