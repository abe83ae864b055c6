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
const CHANGES = 250;
const ROW_BYTES = 200_000;
const MIB = 2 ** 20;
/** Of one stream, in this process: six times what the broker lets it leave unread; all that is written is 48 MiB. */
const HELD_BYTES_MAX = 6 * LIMITS.unsentBytes;

let world: BrokerWorld;
let broker: RunningBroker;
beforeEach(async () => {
  world = await BrokerWorld.create();
  // Silence is not what this is about.
  broker = await world.startBroker(new MemoryStore("e1"), { heartbeatIntervalMs: 60_000 });
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
async function heldBytes(): Promise<number> {
  setFlagsFromString("--expose-gc");
  const collect: unknown = runInNewContext("gc");
  if (typeof collect !== "function") throw new Error("node must be able to collect garbage");
  // What is freed outside the heap is, once the event loop comes round.
  for (let round = 0; round < 4; round++) {
    collect();
    await new Promise((resolve) => void clock.setTimer(50, () => resolve(undefined)));
  }
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
  const startBytes = await heldBytes();
  const times = await change(writer, reader, 51, CHANGES);
  const grownBytes = (await heldBytes()) - startBytes;
  const inWords = (sorted: readonly number[]): string =>
    `${sorted[sorted.length >> 1]?.toFixed(1)} ms at the median, ${sorted.at(-1)?.toFixed(1)} at worst`;
  process.stdout.write(
    `${CHANGES} changes, ${Math.round((CHANGES * ROW_BYTES) / MIB)} MiB, ${UNREAD} members that do not read: ` +
      `${(grownBytes / MIB).toFixed(1)} MiB more held; a change reaches the one that reads after ${inWords(times)} ` +
      `(before: ${inWords(before)})\n`,
  );
  // As much whatever is written: what each stream may leave unread, a row beyond it, and the members' own ends, here too.
  expect(grownBytes).toBeLessThan(UNREAD * HELD_BYTES_MAX);
  expect(broker.hub.connectedMembers).toHaveLength(UNREAD + 2);
  for (const stream of unread) {
    stream.resume();
    await stream.hear("rowPut", ({ sequence }) => sequence === 50 + CHANGES);
    // What was under way when it stopped, and the latest.
    expect(stream.count("rowPut")).toBeLessThan(20);
  }
});
