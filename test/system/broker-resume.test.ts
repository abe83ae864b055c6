import { status } from "@grpc/grpc-js";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { BrokerMessage } from "../../api/broker/broker.gen.ts";
import { BrokerMessage as Codec } from "../../api/broker/broker.gen.ts";
import type { ServiceRow } from "../../api/broker/row.ts";
import { must } from "../../api/result.ts";
import { serviceKey } from "../../api/service-key.ts";
import { createGrpcBrokerLink } from "../../broker/client/grpc/grpc-broker-link.ts";
import type { MemberLink } from "../../broker/client/member-link.ts";
import type { RunningBroker } from "../../broker/server/start-broker.ts";
import { FaultyFolder } from "../../broker/store/file/faulty-folder.ts";
import { FileStore } from "../../broker/store/file/file-store.ts";
import { MemoryStore } from "../../broker/store/memory/memory-store.ts";
import { testCluster } from "../../broker/wire/row-arbitrary.ts";
import { anExportRow } from "../../broker/wire/test-rows.ts";
import { systemClock } from "../../runtime/clock/system-clock.ts";
import { silentLogger } from "../../runtime/log/silent-log.ts";
import { PrometheusMeter } from "../../runtime/metrics/prometheus-meter.ts";
import { systemRandom } from "../../runtime/random/system-random.ts";
import { BrokerWorld, type Credentials, type TestStream } from "./broker-world.ts";
import { until } from "./until.ts";

let world: BrokerWorld;
beforeEach(async () => {
  world = await BrokerWorld.create();
});
afterEach(() => world[Symbol.asyncDispose]());

function kinds(stream: TestStream): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { $case } of stream.heard) counts[$case] = (counts[$case] ?? 0) + 1;
  return counts;
}

function bytesOf(stream: TestStream): number {
  const size = (message: BrokerMessage["message"]): number =>
    Codec.encode({ message }).finish().length;
  return stream.heard.reduce((sum, message) => sum + size(message), 0);
}

function rowAt(at: number, createdAtMs = 1): ServiceRow {
  return anExportRow({ name: `s${at}`, createdAtMs });
}

const ROWS = 1000;

describe("a member that comes back", () => {
  let owner: TestStream;
  let reader: Credentials;
  let fullBytes: number;
  let broker: RunningBroker;
  let store: MemoryStore;

  /** An owner with many rows, and a reader who has seen them all and left. */
  beforeEach(async () => {
    store = new MemoryStore("e1");
    broker = await world.startBroker(store);
    owner = world.open(broker, await world.certify("a", 1));
    owner.hello();
    await owner.hear("ownRowsEnd");
    for (let at = 1; at <= ROWS; at++) owner.put(at, rowAt(at));
    owner.complete();
    await owner.hear("stored", ({ sequence }) => sequence === ROWS);
    reader = await world.certify("b", 2);
    const first = world.open(broker, reader);
    first.hello({ namespaces: ["shop"] });
    await first.hear("synced");
    expect(kinds(first)).toMatchObject({ rowPut: ROWS, ownerReset: 1, ownerComplete: 1 });
    fullBytes = bytesOf(first);
    first.cancel();
  });

  /** Comes back with what it knows. */
  async function resume(to: RunningBroker, sequence = ROWS): Promise<TestStream> {
    const again = world.open(to, reader);
    const known = [{ clusterId: "a", incarnation: 1, sequence }];
    again.hello({ namespaces: ["shop"], storeEpoch: "e1", known });
    await again.hear("synced");
    return again;
  }

  test("to an unchanged world is sent no row", async () => {
    const again = await resume(broker);
    expect(kinds(again)).toEqual({
      welcome: 1,
      ownRowsEnd: 1,
      presence: 1,
      ownerComplete: 1,
      synced: 1,
    });
    expect(bytesOf(again)).toBeLessThan(fullBytes / 100);
  });

  test("is sent exactly what changed, deletions too, also by a broker that was restarted", async () => {
    for (let at = 1; at <= 3; at++) owner.put(ROWS + at, rowAt(at, 9));
    // Changed twice: told once.
    owner.put(ROWS + 4, rowAt(3, 10));
    owner.delete(ROWS + 5, rowAt(4));
    owner.delete(ROWS + 6, rowAt(5));
    await owner.hear("stored", ({ sequence }) => sequence === ROWS + 6);
    const want = {
      welcome: 1,
      ownRowsEnd: 1,
      presence: 1,
      rowPut: 3,
      rowDelete: 2,
      ownerComplete: 1,
      synced: 1,
    };
    const again = await resume(broker);
    expect(kinds(again)).toEqual(want);
    expect(bytesOf(again)).toBeLessThan(fullBytes / 50);
    await broker.stop();
    const restarted = await world.startBroker(store.reopen());
    expect(kinds(await resume(restarted))).toEqual(want);
  });

  test("with a version of a future that was lost is sent everything anew", async () => {
    const again = await resume(broker, ROWS + 100);
    expect(kinds(again)).toMatchObject({ ownerReset: 1, rowPut: ROWS });
  });

  test("and owns rows is told their digests, so that it sends only differences", async () => {
    owner.cancel();
    const again = world.open(broker, await world.certify("a", 1));
    again.hello();
    await again.hear("ownRowsEnd");
    expect(kinds(again)).toMatchObject({ welcome: 1, ownRow: ROWS, ownRowsEnd: 1 });
  });
});

/** A member with its real link. */
class Member {
  readonly link: MemberLink;
  readonly #stop = new AbortController();

  constructor(who: Credentials, incarnation: number, broker: RunningBroker) {
    const identity = {
      clusterId: who.cluster,
      clusterset: "test-set",
      incarnation,
      keyPem: who.keyPem,
      certPem: who.certPem,
      caPem: who.caPem,
      brokerAddress: `127.0.0.1:${broker.listen.port}`,
    };
    const deps = { clock: systemClock, random: systemRandom, log: silentLogger };
    this.link = createGrpcBrokerLink({ identity: () => identity }, deps);
    this.link.setNamespaces(new Set(["shop"]));
    this.link.start(this.#stop.signal);
  }

  own(name: string, createdAtMs: number): void {
    this.link.setOwnRows(serviceKey("shop", name), [anExportRow({ name, createdAtMs })]);
    this.link.markOwnComplete();
  }

  /** `cluster@createdAt` of each foreign row of a service. */
  sees(name: string): readonly string[] {
    return this.link
      .foreignRows(serviceKey("shop", name))
      .map((row) => `${row.cluster}@${row.kind === "export" ? row.createdAtMs : ""}`)
      .toSorted();
  }

  get isSynced(): boolean {
    const state = this.link.status();
    return state.kind === "connected" && state.synced;
  }

  stop(): void {
    this.#stop.abort();
  }
}

describe("a broker that lost its store", () => {
  test("is filled again by those who come back; who does not is still seen as it was (I7)", async () => {
    const first = await world.startBroker(new MemoryStore("e1"));
    const who = await Promise.all(
      ["a", "b", "c"].map((cluster, at) => world.certify(cluster, at + 1)),
    );
    const members = who.map((credentials, at) => new Member(credentials, at + 1, first));
    const [a, b, c] = members;
    if (a === undefined || b === undefined || c === undefined) throw new Error("three members");
    for (const [at, member] of members.entries()) member.own("web", at + 1);
    await until(() =>
      members.every(({ link }) => link.foreignRows(serviceKey("shop", "web")).length === 2),
    );
    await first.stop();
    c.stop();
    const lapses: string[] = [];
    a.link.subscribe(() => {
      if (!a.sees("web").includes("c@3") || a.sees("web").length !== 2)
        lapses.push(a.sees("web").join());
    });
    const empty = new MemoryStore("e2");
    const second = await world.startBroker(empty, { port: first.listen.port });
    await until(() => a.isSynced && b.isSynced);
    const complete = (): string[] =>
      [...empty.table.owners()]
        .filter(({ isComplete }) => isComplete)
        .map(({ cluster }) => cluster);
    await until(() => complete().length === 2);
    expect(complete().toSorted()).toEqual(["a", "b"]);
    expect(empty.table.owner(testCluster("a"))?.size).toBe(1);
    // Life goes on without the third, whose row stays.
    b.own("db", 5);
    await until(() => a.sees("db").length === 1);
    expect([a.sees("web"), b.sees("web"), lapses]).toEqual([["b@2", "c@3"], ["a@1", "c@3"], []]);
    // The admin decides that it is gone for good.
    const [, , gone] = who;
    if (gone === undefined) throw new Error("three members");
    const late = new Member(gone, 3, second);
    late.own("api", 7);
    await until(() => a.sees("api").join() === "c@7" && a.sees("web").join() === "b@2");
    must(await empty.removeMember(testCluster("c")));
    await until(() => a.sees("api").length === 0 && b.sees("api").length === 0);
    await until(() => late.link.status().kind === "rejected");
    for (const member of [a, b, late]) member.stop();
  });
});

describe("probes and metrics", () => {
  async function get(broker: RunningBroker, path: string): Promise<readonly [number, string]> {
    const response = await fetch(`http://127.0.0.1:${broker.healthListen?.port}${path}`);
    return [response.status, await response.text()];
  }

  test("say that it lives, is ready, and what it does", async () => {
    const meter = new PrometheusMeter();
    const broker = await world.startBroker(new MemoryStore("e1"), { meter });
    const a = world.open(broker, await world.certify("a", 1));
    a.hello();
    await a.hear("ownRowsEnd");
    a.put(1, rowAt(1));
    a.put(2, anExportRow({ sessionAffinity: "Odd" }));
    await a.hear("refused");
    await a.hear("stored", ({ sequence }) => sequence === 1);
    expect((await get(broker, "/livez"))[0]).toBe(200);
    expect((await get(broker, "/readyz"))[0]).toBe(200);
    const [, text] = await get(broker, "/metrics");
    for (const line of [
      "isthmus_broker_connected_members 1",
      'isthmus_broker_member_rows{cluster="a"} 1',
      'isthmus_broker_writes_total{outcome="stored"} 1',
      'isthmus_broker_writes_total{outcome="refused"} 1',
      "isthmus_broker_open_connections 1",
    ]) {
      expect(text.split("\n")).toContain(line);
    }
  });

  test("a disk that is full: not ready, nothing is acknowledged or shown; and back when there is room", async () => {
    const meter = new PrometheusMeter();
    const folder = new FaultyFolder();
    const lock = { release: () => undefined };
    const deps = {
      folder,
      lock,
      clock: systemClock,
      random: systemRandom,
      log: silentLogger,
      meter,
    };
    const store = must(await FileStore.open({}, deps));
    const broker = await world.startBroker(store, { meter });
    const who = await world.certify("a", 1);
    const writer = world.open(broker, who);
    const reader = world.open(broker, await world.certify("b", 2));
    writer.hello();
    reader.hello({ namespaces: ["shop"] });
    await writer.hear("ownRowsEnd");
    writer.complete();
    writer.put(1, rowAt(1));
    await reader.hear("rowPut");
    folder.fault = { on: "append", text: "ENOSPC: no space left on device, write" };
    writer.put(2, rowAt(2));
    const failure = await writer.failure();
    expect([failure.code, failure.details]).toEqual([
      status.UNAVAILABLE,
      "cannot write store: ENOSPC: no space left on device, write",
    ]);
    const [code, text] = await get(broker, "/readyz");
    expect([code, text.includes("ENOSPC: no space left on device")]).toEqual([503, true]);
    expect((await get(broker, "/livez"))[0]).toBe(200);
    expect(writer.heard.filter((m) => m.$case === "stored" && m.value.sequence >= 2)).toEqual([]);
    reader.ping();
    await reader.hear("pong");
    expect(reader.count("rowPut")).toBe(1);
    folder.fault = undefined;
    await until(async () => (await get(broker, "/readyz"))[0] === 200);
    const again = world.open(broker, who);
    again.hello();
    expect((await again.hear("welcome")).sequence).toBe(1);
    await again.hear("ownRowsEnd");
    again.put(2, rowAt(2));
    await again.hear("stored", ({ sequence }) => sequence === 2);
    await reader.hear("rowPut", ({ sequence }) => sequence === 2);
  });
});
