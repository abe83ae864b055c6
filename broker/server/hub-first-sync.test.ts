import { afterEach, beforeEach, expect, test } from "vitest";
import { VirtualClock } from "../../runtime/clock/virtual-clock.ts";
import { silentLogger as log } from "../../runtime/log/silent-log.ts";
import { silentMeter as meter } from "../../runtime/metrics/silent-meter.ts";
import { MemoryStore } from "../store/memory/memory-store.ts";
import { testCluster } from "../wire/row-arbitrary.ts";
import { anExportRow } from "../wire/test-rows.ts";
import { FakeMember } from "./fake-member.ts";
import { Hub } from "./hub.ts";

const HEARTBEAT_MS = 1000;

let clock: VirtualClock;
let hub: Hub;

beforeEach(() => {
  clock = new VirtualClock();
  const store = new MemoryStore("e1");
  const options = { clusterset: "set", heartbeatIntervalMs: HEARTBEAT_MS, firstSyncsMax: 1 };
  hub = new Hub(options, { store, clock, log, meter });
  hub.start();
});
afterEach(() => hub.stop());

async function connect(cluster: string): Promise<FakeMember> {
  const peer = { cluster: testCluster(cluster), incarnation: 1, certificateSerial: "01" };
  const member = new FakeMember(hub, peer);
  await clock.advance(0);
  return member;
}

/** Comes with nothing, and its stream takes so many messages. */
async function coldMember(cluster: string, room = Number.POSITIVE_INFINITY): Promise<FakeMember> {
  const member = await connect(cluster);
  member.room = room;
  member.hello({ namespaces: ["shop"] });
  await clock.advance(0);
  return member;
}

async function anOwner(rows: number): Promise<FakeMember> {
  const owner = await coldMember("owner");
  for (let at = 1; at <= rows; at++) owner.put(at, anExportRow({ name: `web-${at}` }));
  owner.complete();
  await clock.advance(0);
  return owner;
}

test("a member that comes with nothing waits for its turn: answered, but not sent rows", async () => {
  await anOwner(20);
  const slow = await coldMember("slow", 5);
  const next = await coldMember("next");
  expect(slow.kinds()).toContain("rowPut");
  expect(next.kinds()).toEqual(["welcome", "ownRowsEnd", "presence"]);
  next.ping();
  next.put(1, anExportRow({ cluster: testCluster("next"), name: "mine" }));
  await clock.advance(0);
  expect(next.kinds(3)).toEqual(["pong", "stored"]);
  slow.read();
  await clock.advance(0);
  expect(slow.kinds().filter((kind) => kind === "rowPut")).toHaveLength(20);
  expect(next.kinds()).toContain("synced");
});

test("one that lacks differences only is not held up by those who wait", async () => {
  const owner = await anOwner(20);
  await coldMember("slow", 5);
  await coldMember("waiting");
  const known = [{ clusterId: "owner", incarnation: 1, sequence: 20 }];
  const warm = await connect("warm");
  warm.hello({ storeEpoch: "e1", namespaces: ["shop"], known });
  await clock.advance(0);
  expect(warm.kinds()).toContain("synced");
  const before = warm.heard.length;
  owner.put(21, anExportRow({ name: "late" }));
  await clock.advance(0);
  expect(warm.kinds(before)).toEqual(["rowPut", "ownerComplete"]);
});

test("the end of a stream passes its turn on", async () => {
  await anOwner(20);
  const slow = await coldMember("slow", 5);
  const next = await coldMember("next");
  expect(next.kinds()).not.toContain("rowPut");
  slow.connection.ended();
  await clock.advance(0);
  expect(next.kinds()).toContain("synced");
});

test("one that does not read keeps the others waiting for ten seconds and no longer", async () => {
  await anOwner(20);
  const slow = await coldMember("slow", 5);
  const next = await coldMember("next");
  for (let second = 0; second < 10; second++) {
    expect(next.kinds()).not.toContain("rowPut");
    await clock.advance(HEARTBEAT_MS);
    for (const member of [slow, next]) member.ping();
  }
  expect(next.kinds()).toContain("synced");
});
