import { afterEach, beforeEach, expect, test } from "vitest";
import { VirtualClock } from "../../runtime/clock/virtual-clock.ts";
import { unchanging } from "../../runtime/config/changing.ts";
import { silentLogger } from "../../runtime/log/silent-log.ts";
import { silentMeter } from "../../runtime/metrics/silent-meter.ts";
import { seededRandom } from "../../runtime/random/seeded-random.ts";
import type { HubPolicy } from "../policy/cluster-policy.ts";
import { parsePolicy } from "../policy/parse-policy.ts";
import { openReplicatedStore } from "../store/replicated/open-replicated-store.ts";
import type { ReplicatedStore } from "../store/replicated/replicated-store.ts";
import { MemorySpace } from "../store/space/memory/memory-space.ts";
import { MemorySpaceServer } from "../store/space/memory/memory-space-server.ts";
import { testCluster } from "../wire/row-arbitrary.ts";
import { anExportRow } from "../wire/test-rows.ts";
import { FakeMember } from "./fake-member.ts";
import { Hub } from "./hub.ts";

interface Replica {
  readonly hub: Hub;
  readonly store: ReplicatedStore;
  readonly space: MemorySpace;
}

let clock: VirtualClock;
let one: Replica;
let other: Replica;

const policy = unwrapPolicy("defaults: {maxExports: 5}");

function unwrapPolicy(text: string): HubPolicy {
  const parsed = parsePolicy(text);
  if (!parsed.ok) throw new Error(parsed.error);
  return parsed.value;
}

async function startReplica(server: MemorySpaceServer): Promise<Replica> {
  const space = new MemorySpace(server);
  const deps = { space, clock, random: seededRandom(1), log: silentLogger };
  const opened = await openReplicatedStore({}, deps, new AbortController().signal);
  if (!opened.ok) throw new Error(opened.error.text);
  const store = opened.value;
  const hub = new Hub(
    { clusterset: "set", heartbeatIntervalMs: 1000 },
    { store, clock, log: silentLogger, meter: silentMeter, policy: unchanging(policy) },
  );
  hub.start();
  return { hub, store, space };
}

beforeEach(async () => {
  clock = new VirtualClock();
  const server = new MemorySpaceServer();
  [one, other] = [await startReplica(server), await startReplica(server)];
});
afterEach(() => {
  one.hub.stop();
  other.hub.stop();
});

async function greet(
  { hub }: Replica,
  cluster: string,
  namespaces = ["shop"],
): Promise<FakeMember> {
  const peer = { cluster: testCluster(cluster), incarnation: 1, certificateSerial: "01" };
  const member = new FakeMember(hub, peer);
  await clock.advance(1);
  member.hello({ namespaces });
  await clock.advance(1);
  return member;
}

test("what a member writes at one replica is told at the other", async () => {
  const reader = await greet(other, "b");
  const writer = await greet(one, "a");
  writer.put(1, anExportRow());
  writer.complete();
  await clock.advance(1);
  expect(writer.kinds()).toContain("stored");
  expect(reader.heard.filter(({ kind }) => kind === "row")).toHaveLength(1);
});

test("a member that moves finds there what it was told, and its old stream ends", async () => {
  const before = await greet(one, "a");
  before.put(1, anExportRow());
  before.put(2, anExportRow({ name: "db" }));
  await clock.advance(1);
  const after = await greet(other, "a");
  expect(before.closed?.kind).toBe("replaced");
  const [first] = after.heard;
  expect(first).toMatchObject({ message: { $case: "welcome", value: { sequence: 2 } } });
  expect(after.kinds().filter((kind) => kind === "ownRow")).toHaveLength(2);
  before.put(3, anExportRow({ name: "late" }));
  await clock.advance(1);
  expect(other.store.table.owner(testCluster("a"))?.sequence).toBe(2);
});

test("a stream at a replica that hears late is not answered before it has heard, and then loses to a newer one", async () => {
  const before = await greet(one, "a");
  before.put(1, anExportRow());
  await clock.advance(1);
  other.space.hold();
  const after = await greet(other, "a");
  expect(after.heard).toEqual([]);
  other.space.release();
  await clock.advance(1);
  expect(after.heard[0]).toMatchObject({ message: { value: { sequence: 1 } } });
  await greet(one, "a");
  expect(after.closed?.kind).toBe("replaced");
});

test("a member that is removed at one replica is turned away at the other, at once and for good (CLN-13)", async () => {
  const member = await greet(one, "a");
  await other.store.removeMember(testCluster("a"));
  await clock.advance(1);
  expect(member.closed?.kind).toBe("over");
  expect((await greet(one, "a")).closed?.kind).toBe("over");
});

test("a replica whose engine is out of reach sends its members away, to come back", async () => {
  const member = await greet(one, "a");
  one.space.cut();
  member.put(1, anExportRow());
  await clock.advance(2000);
  member.ping();
  for (let at = 0; at < 8; at++) {
    await clock.advance(2000);
    member.ping();
  }
  expect(member.closed?.kind).toBe("store-failed");
});

test("an owner that is new to a replica with a policy keeps its stream at the other", async () => {
  const writer = await greet(one, "a");
  writer.put(1, anExportRow());
  writer.complete();
  await clock.advance(10);
  const later = await greet(other, "b");
  await clock.advance(3000);
  expect([writer.closed, later.closed]).toEqual([undefined, undefined]);
});
