import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { RunningBroker } from "../../broker/server/start-broker.ts";
import { MemoryStore } from "../../broker/store/memory/memory-store.ts";
import { LIMITS } from "../../broker/wire/limits.ts";
import { anExportRow } from "../../broker/wire/test-rows.ts";
import { systemClock as clock } from "../../runtime/clock/system-clock.ts";
import { BrokerWorld, type TestStream } from "./broker-world.ts";

/** Members that stop reading. */
const UNREAD = 8;
const CHANGES = 400;
const ROW_BYTES = 200_000;
const MIB = 2 ** 20;

let world: BrokerWorld;
let broker: RunningBroker;
beforeEach(async () => {
  world = await BrokerWorld.create();
  broker = await world.startBroker(new MemoryStore("e1"));
});
afterEach(() => world[Symbol.asyncDispose]());

async function member(clusterId: string, incarnation: number): Promise<TestStream> {
  const stream = world.open(broker, await world.certify(clusterId, incarnation));
  stream.hello({ namespaces: ["shop"] });
  await stream.hear("ownRowsEnd");
  stream.complete();
  await stream.hear("synced");
  return stream;
}

/** Of this process, broker and members, without what nobody holds. */
function heldBytes(): number {
  setFlagsFromString("--expose-gc");
  const collect: unknown = runInNewContext("gc");
  if (typeof collect !== "function") throw new Error("node must be able to collect garbage");
  collect();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

/** Changes of one row, one after the other: milliseconds until the reader has each. What it heard is let go. */
async function change(
  writer: TestStream,
  reader: TestStream,
  from: number,
  count: number,
): Promise<readonly number[]> {
  const times: number[] = [];
  for (let at = from; at < from + count; at++) {
    const startMs = clock.monotonicMs();
    const annotations = { filler: "x".repeat(ROW_BYTES) };
    writer.put(at, anExportRow({ createdAtMs: at, annotations }));
    await reader.hear("rowPut", ({ sequence }) => sequence === at);
    times.push(clock.monotonicMs() - startMs);
    reader.heard.length = 0;
    writer.heard.length = 0;
  }
  return times.toSorted((left, right) => left - right);
}

test("members that do not read slow nobody and hold a bounded part of the broker's memory", async () => {
  const [writer, reader] = [await member("writer", 1), await member("reader", 2)];
  const before = await change(writer, reader, 1, 50);
  const unread: TestStream[] = [];
  for (let at = 0; at < UNREAD; at++) unread.push(await member(`unread-${at}`, at + 3));
  for (const stream of unread) stream.pause();
  const startBytes = heldBytes();
  const times = await change(writer, reader, 51, CHANGES);
  const grownBytes = heldBytes() - startBytes;
  const inWords = (sorted: readonly number[]): string =>
    `${sorted[sorted.length >> 1]?.toFixed(1)} ms at the median, ${sorted.at(-1)?.toFixed(1)} at worst`;
  process.stdout.write(
    `${CHANGES} changes, ${Math.round((CHANGES * ROW_BYTES) / MIB)} MiB, ${UNREAD} members that do not read: ` +
      `${(grownBytes / MIB).toFixed(1)} MiB more held; a change reaches the one that reads after ${inWords(times)} ` +
      `(before: ${inWords(before)})\n`,
  );
  // Each its messages and one more, and what the two sides of a connection hold of it; all of them would be 76 MiB and more.
  const perStream = LIMITS.unsentBytes + 2 * ROW_BYTES + 256 * 1024;
  expect(grownBytes).toBeLessThan(UNREAD * perStream + 8 * MIB);
  expect(broker.hub.connectedMembers).toHaveLength(UNREAD + 2);
  for (const stream of unread) {
    stream.resume();
    await stream.hear("rowPut", ({ sequence }) => sequence === 50 + CHANGES);
    // What was under way when it stopped, and the latest.
    expect(stream.count("rowPut")).toBeLessThan(20);
  }
});
