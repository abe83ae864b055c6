import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { openFileStore } from "../../broker/store/file/open-file-store.ts";
import { testCluster } from "../../broker/wire/row-arbitrary.ts";
import { systemClock } from "../../runtime/clock/system-clock.ts";
import { silentLogger } from "../../runtime/log/silent-log.ts";
import { silentMeter } from "../../runtime/metrics/silent-meter.ts";
import { seededRandom } from "../../runtime/random/seeded-random.ts";

const ROUNDS = 12;
const WRITER = join(import.meta.dirname, "broker-store-crash-writer.ts");
const random = seededRandom(20_260_101);
let path: string;
beforeEach(async () => {
  path = await mkdtemp(join(tmpdir(), "isthmus-crash-"));
});
afterEach(() => rm(path, { recursive: true }));

/** Runs the writer until it has acknowledged `count` rows, kills it at once and returns the highest acknowledged. */
async function writeAndKill(first: number, count: number): Promise<number> {
  const child = spawn(process.execPath, [WRITER, path, String(first)], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  let text = "";
  const acknowledged = (): number[] => text.split("\n").slice(0, -1).map(Number);
  child.stdout.on("data", (chunk: Buffer) => {
    text += chunk.toString();
    if (acknowledged().length >= count) child.kill("SIGKILL");
  });
  await once(child, "close");
  expect(acknowledged().length).toBeGreaterThanOrEqual(count);
  return Math.max(...acknowledged());
}

test(`kill -9 at ${ROUNDS} random moments loses no acknowledged row, and leaves no lock behind`, async () => {
  let highest = 0;
  for (let round = 0; round < ROUNDS; round++) {
    highest = await writeAndKill(highest + 10, 1 + Math.floor(random.next() * 150));
    const deps = { clock: systemClock, random, log: silentLogger, meter: silentMeter };
    const opened = await openFileStore({ path }, deps);
    if (!opened.ok) throw new Error(opened.error.text);
    const owner = opened.value.table.owner(testCluster("a"));
    const sequences = [...(owner?.rows() ?? [])].map(([, row]) => row.sequence);
    // Each round writes on from the last acknowledged number plus ten, without a gap.
    expect(sequences).toContain(highest);
    const gaps = sequences.filter((sequence, at) => sequence - (sequences[at - 1] ?? sequence) > 1);
    expect(gaps.length).toBeLessThanOrEqual(round);
    highest = owner?.sequence ?? 0;
    await opened.value.close();
  }
});
