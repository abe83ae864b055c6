import { mkdir, mkdtemp, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { systemClock } from "../../../runtime/clock/system-clock.ts";
import { silentLogger } from "../../../runtime/log/silent-log.ts";
import { silentMeter } from "../../../runtime/metrics/silent-meter.ts";
import { seededRandom } from "../../../runtime/random/seeded-random.ts";
import { departuresPath, storePath } from "../../data-dir.ts";
import { testCluster } from "../../wire/row-arbitrary.ts";
import { openFileStore } from "../file/open-file-store.ts";
import type { Store } from "../store.ts";
import { aRow, testStoreCompliance } from "../store-compliance.ts";
import { DepartureLedger } from "./departure-ledger.ts";
import { openBrokerStore } from "./open-broker-store.ts";

const deps = { clock: systemClock, random: seededRandom(1), log: silentLogger, meter: silentMeter };
const a = testCluster("a");
const member = { cluster: a, incarnation: 4, joinedAtMs: 5, certificateSerial: "ab" };

let dataDir: string;
beforeEach(async () => {
  dataDir = await mkdtemp(join(tmpdir(), "isthmus-data-"));
});
afterEach(() => rm(dataDir, { recursive: true }));

async function open(dir = dataDir): Promise<Store> {
  const opened = await openBrokerStore({ dataDir: dir }, deps);
  if (!opened.ok) throw new Error(opened.error.text);
  return opened.value;
}

testStoreCompliance(
  "the broker's store",
  async () => {
    const place = await mkdtemp(join(dataDir, "place-"));
    return { open: () => open(place) };
  },
  8,
);

describe("a member that was removed", () => {
  test("stays out when the rows are lost", async () => {
    const store = await open();
    await store.putMember(member);
    await store.append([aRow(1, "web", 4)]);
    await store.removeMember(a);
    await store.close();
    await rm(storePath(dataDir), { recursive: true });
    const refilled = await open();
    expect(refilled.epoch).not.toBe(store.epoch);
    expect(refilled.table.departed(a)).toBe(4);
    await refilled.append([aRow(2, "web", 4)]);
    await refilled.putMember(member);
    expect([refilled.members(), refilled.table.rowCount()]).toEqual([[], 0]);
    await refilled.close();
    expect((await stat(departuresPath(dataDir))).mode & 0o777).toBe(0o600);
  });

  test("and has joined again since is a member", async () => {
    const store = await open();
    await store.putMember(member);
    await store.removeMember(a);
    await store.putMember({ ...member, incarnation: 5 });
    await store.close();
    const again = await open();
    expect(again.members()).toMatchObject([{ incarnation: 5 }]);
    await again.close();
  });

  test("before there was a ledger is entered into it", async () => {
    const old = await openFileStore({ path: storePath(dataDir) }, deps);
    if (!old.ok) throw new Error(old.error.text);
    await old.value.putMember(member);
    await old.value.removeMember(a);
    await old.value.close();
    await (await open()).close();
    expect(JSON.parse(await readFile(departuresPath(dataDir), "utf8"))).toEqual({
      formatVersion: 1,
      departed: { a: 4 },
    });
  });

  test("is still one when the ledger cannot be written", async () => {
    const store = await open();
    await store.putMember(member);
    // A folder cannot be replaced by a file.
    await mkdir(departuresPath(dataDir));
    const removed = await store.removeMember(a);
    expect(removed.ok ? "" : removed.error.text).toMatch(/^cannot write departures: /);
    expect(store.members()).toEqual([member]);
    await store.close();
  });
});

test("the ledger never forgets a later departure for an earlier one, also when both are told at once", async () => {
  const ledger = new DepartureLedger(departuresPath(dataDir));
  await Promise.all([ledger.record(a, 5), ledger.record(a, 3), ledger.record(testCluster("b"), 1)]);
  const again = new DepartureLedger(departuresPath(dataDir));
  expect(await again.load()).toEqual({ ok: true, value: undefined });
  expect([...again.departed]).toEqual([
    ["a", 5],
    ["b", 1],
  ]);
});

describe("does not open, and says why,", () => {
  test.each([
    { name: "no JSON", text: "{", error: /must be JSON: got 1 characters/ },
    { name: "another version", text: '{"formatVersion":2,"departed":{}}', error: /formatVersion/ },
    {
      name: "a name that is none",
      text: '{"formatVersion":1,"departed":{"A b":1}}',
      error: /cluster id.*"A b"/,
    },
    {
      name: "a number that is none",
      text: '{"formatVersion":1,"departed":{"a":-1}}',
      error: /departed\.a/,
    },
  ])("over a ledger with $name, which it leaves alone", async ({ text, error }) => {
    await writeFile(departuresPath(dataDir), text);
    const opened = await openBrokerStore({ dataDir }, deps);
    expect(opened.ok ? "" : opened.error.text).toMatch(error);
    expect(opened.ok ? "" : opened.error.text).toContain(departuresPath(dataDir));
    expect(await readFile(departuresPath(dataDir), "utf8")).toBe(text);
  });

  test.each(["/dev/null/x", "/dev/null/x/y", "/proc/no-such-folder/x"])("in %s", async (path) => {
    const opened = await openBrokerStore({ dataDir: path }, deps);
    expect(opened.ok ? "" : opened.error.text).toMatch(/^cannot open store \/\w+.*: E[A-Z]+: /);
  });
});
