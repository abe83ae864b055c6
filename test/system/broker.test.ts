import { status } from "@grpc/grpc-js";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { rowKey } from "../../api/broker/row.ts";
import { must } from "../../api/result.ts";
import { MemoryStore } from "../../broker/store/memory/memory-store.ts";
import { rowDigest } from "../../broker/wire/row-digest.ts";
import { anEndpointsRow, anExportRow } from "../../broker/wire/test-rows.ts";
import { BrokerWorld, type TestStream } from "./broker-world.ts";

let world: BrokerWorld;
beforeEach(async () => {
  world = await BrokerWorld.create();
});
afterEach(() => world[Symbol.asyncDispose]());

/** Puts rows and waits until they are durable and shown. */
async function publish(stream: TestStream, rows: Parameters<TestStream["put"]>[1][]) {
  await stream.hear("ownRowsEnd");
  rows.forEach((row, at) => stream.put(at + 1, row));
  stream.complete();
  await stream.hear("stored", ({ sequence }) => sequence >= rows.length);
}

describe("a broker", () => {
  test("carries one member's rows to another that subscribes to their namespace", async () => {
    const broker = await world.startBroker(new MemoryStore("e1"));
    const a = world.open(broker, await world.certify("a", 1));
    const b = world.open(broker, await world.certify("b", 2));
    a.hello();
    b.hello({ namespaces: ["shop"] });
    const welcome = await a.hear("welcome");
    expect(welcome).toMatchObject({ clusterset: "test-set", storeEpoch: "e1", incarnation: 1 });
    await b.hear("synced");
    await publish(a, [anExportRow(), anExportRow({ namespace: "other" }), anEndpointsRow()]);
    const version = (await b.hear("ownerComplete")).version;
    expect(version).toEqual({ clusterId: "a", incarnation: 1, sequence: 3 });
    const rows = b.heard.filter((message) => message.$case === "rowPut");
    expect(rows.map(({ value }) => [value.clusterId, value.sequence])).toEqual([
      ["a", 1],
      ["a", 3],
    ]);
  });

  test("sends a restarted member digests of its own rows", async () => {
    const store = new MemoryStore("e1");
    const first = await world.startBroker(store);
    const who = await world.certify("a", 1);
    const a = world.open(first, who);
    a.hello();
    await publish(a, [anExportRow()]);
    await first.stop();
    const second = await world.startBroker(store);
    const again = world.open(second, who);
    again.hello();
    const own = await again.hear("ownRow");
    expect(own).toMatchObject({ key: rowKey(anExportRow()), sequence: 1 });
    expect(Buffer.from(own.digest)).toEqual(Buffer.from(rowDigest(anExportRow())));
  });

  test("names the address when it is in use", async () => {
    const broker = await world.startBroker(new MemoryStore("e1"));
    const { port } = broker.listen;
    expect(await world.tryStartBroker(new MemoryStore("e2"), { port })).toEqual({
      ok: false,
      error: `cannot listen on 127.0.0.1:${port}: address in use by another process`,
    });
  });

  test("closes the older of two streams of one cluster", async () => {
    const broker = await world.startBroker(new MemoryStore("e1"));
    const who = await world.certify("a", 1);
    const older = world.open(broker, who);
    older.hello();
    await older.hear("welcome");
    const newer = world.open(broker, who);
    newer.hello();
    await newer.hear("welcome");
    expect(await older.failure()).toMatchObject({
      code: status.ABORTED,
      details: "only one stream per cluster: a opened another",
    });
    expect(broker.hub.connectedMembers).toEqual(["a"]);
  });

  test("tells members when it stops, and stops within its bound", async () => {
    const broker = await world.startBroker(new MemoryStore("e1"));
    const a = world.open(broker, await world.certify("a", 1));
    a.hello();
    await a.hear("welcome");
    const stopped = broker.stop();
    expect(await a.failure()).toMatchObject({ code: status.UNAVAILABLE });
    await stopped;
  });
});

describe("nobody gets in", () => {
  test("without a client certificate", async () => {
    const broker = await world.startBroker(new MemoryStore("e1"));
    const stream = world.open(broker);
    stream.hello();
    expect((await stream.failure()).code).toBe(status.UNAUTHENTICATED);
  });

  test("with a certificate of another authority of the same name", async () => {
    const broker = await world.startBroker(new MemoryStore("e1"));
    await using stranger = await BrokerWorld.create();
    const forged = await world.certify("a", 1, stranger.authority);
    const stream = world.open(broker, forged);
    stream.hello();
    expect((await stream.failure()).code).toBe(status.UNAUTHENTICATED);
  });

  test("with a certificate of a life that is over (CLN-13)", async () => {
    const store = new MemoryStore("e1");
    const broker = await world.startBroker(store);
    const old = await world.certify("a", 1);
    const rejoined = world.open(broker, await world.certify("a", 2));
    rejoined.hello();
    await rejoined.hear("welcome");
    const stale = world.open(broker, old);
    stale.hello();
    expect(await stale.failure()).toMatchObject({ code: status.PERMISSION_DENIED });
    must(await store.removeMember((await world.certify("a", 2)).cluster));
    expect(await rejoined.failure()).toMatchObject({ code: status.PERMISSION_DENIED });
  });
});
