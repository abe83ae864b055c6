import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { VirtualClock } from "../../runtime/clock/virtual-clock.ts";
import { Settable } from "../../runtime/config/settable.ts";
import { silentLogger } from "../../runtime/log/silent-log.ts";
import { silentMeter } from "../../runtime/metrics/silent-meter.ts";
import { type HubPolicy, NO_POLICY } from "../policy/cluster-policy.ts";
import { parsePolicy } from "../policy/parse-policy.ts";
import { MemoryStore } from "../store/memory/memory-store.ts";
import { testCluster } from "../wire/row-arbitrary.ts";
import { anEndpointsRow, anExportRow } from "../wire/test-rows.ts";
import { FakeMember } from "./fake-member.ts";
import { Hub } from "./hub.ts";

let clock: VirtualClock;
let store: MemoryStore;
let policy: Settable<HubPolicy>;
let hub: Hub;

function document(text: string): HubPolicy {
  const parsed = parsePolicy(text);
  if (!parsed.ok) throw new Error(parsed.error);
  return parsed.value;
}

function startHub(): Hub {
  const deps = { store, clock, log: silentLogger, meter: silentMeter, policy };
  const started = new Hub({ clusterset: "set", heartbeatIntervalMs: 1000 }, deps);
  started.start();
  return started;
}

beforeEach(() => {
  clock = new VirtualClock();
  store = new MemoryStore("e1");
  policy = new Settable(NO_POLICY);
  hub = startHub();
});
afterEach(() => hub.stop());

async function settle(): Promise<void> {
  for (let at = 0; at < 5; at++) await clock.advance(0);
}

async function greet(cluster: string, hello: { namespaces?: string[] } = {}): Promise<FakeMember> {
  const peer = { cluster: testCluster(cluster), incarnation: 1, certificateSerial: "01" };
  const member = new FakeMember(hub, peer);
  await settle();
  member.hello({ namespaces: ["shop"], ...hello });
  await settle();
  return member;
}

/** An owner with these rows, complete. */
async function owner(
  cluster: string,
  rows: readonly Parameters<FakeMember["put"]>[1][],
): Promise<FakeMember> {
  const member = await greet(cluster);
  rows.forEach((row, at) => member.put(at + 1, row));
  member.complete();
  await settle();
  return member;
}

function keysOf(cluster: string): readonly string[] {
  return [...(store.table.owner(testCluster(cluster))?.rows() ?? [])].map(([key]) => key);
}

const shop = anExportRow();
const dev = anExportRow({ namespace: "dev" });

test("a policy that does not change leaves streams alone, those of members that come for the first time too", async () => {
  policy.set(document("clusters: {a: {maxExports: 5}, b: {maxExports: 5}}"));
  const members = [await owner("a", [shop]), await owner("b", [])];
  await clock.advance(2000);
  members.push(await owner("c", [shop]));
  for (const member of members) expect(member.closed).toBeUndefined();
});

test("a member that first comes under one policy and writes while it changes keeps nothing against the later one", async () => {
  policy.set(document("clusters: {a: {maxExports: 5}}"));
  const member = await greet("a");
  member.put(1, dev);
  policy.set(document("clusters: {a: {maxExports: 5, export: {deny: [dev]}}}"));
  member.put(2, anExportRow({ namespace: "dev", name: "late" }));
  member.complete();
  await settle();
  await clock.advance(2000);
  expect([member.closed?.kind, keysOf("a")]).toEqual(["policy", []]);
});

describe("a policy that changes while members are connected", () => {
  test("withdraws from others what is no longer allowed, and ends the owner's stream", async () => {
    const [writer, reader] = [
      await owner("a", [shop, dev]),
      await greet("b", { namespaces: ["shop", "dev"] }),
    ];
    const from = reader.heard.length;
    policy.set(document("clusters: {a: {export: {deny: [dev]}}}"));
    await settle();
    expect(writer.closed).toEqual({
      kind: "policy",
      text: "the hub's policy for cluster a changed: come back",
    });
    expect(reader.closed).toBeUndefined();
    expect(keysOf("a")).toEqual(["export/shop/web"]);
    expect(reader.kinds(from)).toContain("rowDelete");
    expect(reader.kinds(from)).not.toContain("rowPut");
  });

  test("the owner's next stream is not told of the row, and its own copy is refused with the reason", async () => {
    await owner("a", [shop, dev]);
    policy.set(document("clusters: {a: {export: {deny: [dev]}}}"));
    await settle();
    const again = await greet("a");
    const own = again.heard.flatMap((said) =>
      said.kind === "message" && said.message.$case === "ownRow" ? [said.message.value.key] : [],
    );
    expect(own).toEqual(["export/shop/web"]);
    const [welcome] = again.heard.flatMap((said) =>
      said.kind === "message" && said.message.$case === "welcome" ? [said.message.value] : [],
    );
    // Above the withdrawal, so that what the member writes next is not taken for old.
    const sequence = (welcome?.sequence ?? 0) + 1;
    expect(sequence).toBe(4);
    again.put(sequence, dev);
    await settle();
    const refused = again.heard.flatMap((said) =>
      said.kind === "message" && said.message.$case === "refused" ? [said.message.value] : [],
    );
    expect(refused).toMatchObject([
      { key: "export/dev/web", reason: expect.stringMatching(/"dev"/) },
    ]);
    policy.set(NO_POLICY);
    await settle();
    const allowed = await greet("a");
    allowed.put(sequence + 1, dev);
    await settle();
    expect(keysOf("a")).toEqual(["export/shop/web", "export/dev/web"]);
  });

  test("does not end streams of members that it changes nothing for", async () => {
    const [a, b] = [await owner("a", [shop]), await owner("b", [])];
    policy.set(document("clusters: {a: {maxExports: 5}}"));
    await settle();
    expect([a.closed?.kind, b.closed]).toEqual(["policy", undefined]);
    const again = await owner("a", []);
    policy.set(document("defaults: {}\nclusters: {a: {maxExports: 5}}"));
    await settle();
    expect(again.closed).toBeUndefined();
  });

  test("is enforced on an owner that is not connected", async () => {
    const writer = await owner("a", [shop, dev]);
    writer.connection.ended();
    policy.set(document("defaults: {maxExports: 0}"));
    await settle();
    expect(keysOf("a")).toEqual([]);
  });
});

test("a broker that starts with another policy shows nobody what it no longer allows", async () => {
  const writer = await owner("a", [shop, dev]);
  writer.connection.ended();
  hub.stop();
  policy.set(document("defaults: {export: {allow: [shop]}}"));
  hub = startHub();
  const reader = await greet("b", { namespaces: ["shop", "dev"] });
  expect(reader.kinds().filter((kind) => kind === "rowPut")).toHaveLength(1);
  expect(keysOf("a")).toEqual(["export/shop/web"]);
});

test("a replica that starts leaves streams at others alone, unless something stored is to go", async () => {
  policy.set(document("defaults: {maxExports: 5}"));
  const writer = await owner("a", [shop]);
  const second = startHub();
  await settle();
  expect(writer.closed).toBeUndefined();
  writer.put(5, dev);
  await settle();
  expect(keysOf("a")).toEqual(["export/shop/web", "export/dev/web"]);
  second.stop();
  policy.set(document("defaults: {maxExports: 1}"));
  await settle();
  expect(writer.closed).toMatchObject({ kind: "policy" });
  expect(keysOf("a")).toHaveLength(1);
});

describe("namespaces a member may not import (I2)", () => {
  test("send it no rows, and it is told which they are", async () => {
    policy.set(document("clusters: {b: {import: {deny: [dev]}}}"));
    await owner("a", [shop, dev, anEndpointsRow({ namespace: "dev" })]);
    const reader = await greet("b", { namespaces: ["shop", "dev"] });
    expect(reader.kinds().filter((kind) => kind === "rowPut")).toHaveLength(1);
    expect(
      reader.heard.flatMap((said) =>
        said.kind === "message" && said.message.$case === "importsDenied"
          ? said.message.value.namespaces
          : [],
      ),
    ).toEqual(["dev"]);
    expect(reader.kinds()).toContain("synced");
    const from = reader.heard.length;
    const again = await owner("a", []);
    again.put(10, { ...dev, createdAtMs: 3 });
    await settle();
    expect(reader.kinds(from).filter((kind) => kind !== "presence")).not.toContain("rowPut");
  });
});

test("a member is read at the pace of its policy, after a burst", async () => {
  policy.set(document("clusters: {a: {writesPerSecond: 10}}"));
  const writer = await greet("a");
  let sent = 0;
  const send = (): void => {
    while (!writer.isPaused) writer.put(++sent, anExportRow({ createdAtMs: sent }));
  };
  send();
  expect(sent).toBe(100);
  for (let at = 0; at < 20; at++) {
    await clock.advance(100);
    writer.ping();
    send();
  }
  expect(sent).toBeGreaterThanOrEqual(118);
  expect(sent).toBeLessThanOrEqual(121);
  expect(writer.closed).toBeUndefined();
});
