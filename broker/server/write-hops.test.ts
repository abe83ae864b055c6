import { beforeEach, expect, test } from "vitest";
import { NETWORK_ROW_KEY, rowKey } from "../../api/broker/row.ts";
import { VirtualClock } from "../../runtime/clock/virtual-clock.ts";
import { BrokerTable } from "../core/broker-table.ts";
import type { StoreRecord } from "../core/store-record.ts";
import { testCluster } from "../wire/row-arbitrary.ts";
import { anExportRow } from "../wire/test-rows.ts";
import { type BrokerHop, WriteHops } from "./write-hops.ts";

const EAST = testCluster("east");
let clock: VirtualClock;
let table: BrokerTable;
let told: BrokerHop[];
let hops: WriteHops;
beforeEach(() => {
  clock = new VirtualClock();
  table = new BrokerTable();
  table.apply({
    kind: "member",
    member: { cluster: EAST, incarnation: 1, joinedAtMs: 1, certificateSerial: "01" },
  });
  told = [];
  hops = new WriteHops({ clock, table, onHop: (hop) => void told.push(hop) });
});

function put(sequence: number, name = "web"): StoreRecord {
  const key = rowKey(anExportRow({ name }));
  const bytes = Buffer.from(`${name}@${sequence}`);
  return { kind: "row", cluster: EAST, incarnation: 1, sequence, key, bytes };
}

test("a write is kept from its arrival until the store has it, and sent when streams have been handed it", async () => {
  const sequence = clock.nowMs();
  await clock.advance(10);
  const arrivedMs = hops.nowMs();
  await clock.advance(5);
  const record = put(sequence);
  table.apply(record);
  hops.kept([record, { kind: "complete", cluster: EAST, incarnation: 1 }], arrivedMs);
  const sentMs = hops.nowMs();
  await clock.advance(2);
  hops.sent([EAST, testCluster("nobody")], sentMs, 3);
  const about = { cluster: EAST, sequence, service: "shop/web" };
  expect(told).toEqual([
    { hop: "kept", ...about, startMs: arrivedMs, endMs: arrivedMs + 5 },
    { hop: "sent", ...about, startMs: sentMs, endMs: sentMs + 2, streams: 3 },
  ]);
});

test("each write is told once, deletions too, by the owner's latest view", () => {
  const sequence = clock.nowMs();
  table.apply(put(sequence, "first"));
  hops.sent([EAST], hops.nowMs(), 1);
  table.apply(put(sequence + 1, "web"));
  const { key } = put(0, "first") as { key: ReturnType<typeof rowKey> };
  table.apply({ kind: "delete", cluster: EAST, incarnation: 1, sequence: sequence + 2, key });
  hops.sent([EAST], hops.nowMs(), 1);
  hops.sent([EAST], hops.nowMs(), 1);
  expect(told.map(({ service, sequence: of }) => [service, of - sequence])).toEqual([
    ["shop/first", 0],
    ["shop/web", 1],
    ["shop/first", 2],
  ]);
});

test("what came with a sync, and what is of no service, is told to nobody", () => {
  const now = clock.nowMs();
  const network: StoreRecord = {
    ...{ kind: "row", cluster: EAST, incarnation: 1, sequence: now, key: NETWORK_ROW_KEY },
    bytes: Buffer.from("n"),
  };
  hops.kept([put(now - 60_001), network], now);
  expect(told).toEqual([]);
});

test("of a great change not each row is told", () => {
  const now = clock.nowMs();
  hops.kept(
    Array.from({ length: 500 }, (_, at) => put(now + at, `s${at}`)),
    now,
  );
  expect(told).toHaveLength(64);
});
