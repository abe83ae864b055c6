import { mkdtemp, readdir, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { systemClock } from "../../../runtime/clock/system-clock.ts";
import { silentLogger } from "../../../runtime/log/silent-log.ts";
import { silentMeter } from "../../../runtime/metrics/silent-meter.ts";
import { seededRandom } from "../../../runtime/random/seeded-random.ts";
import type { Store } from "../store.ts";
import { aRow, contents, testStoreCompliance } from "../store-compliance.ts";
import { openFileStore } from "./open-file-store.ts";

const deps = { clock: systemClock, random: seededRandom(1), log: silentLogger, meter: silentMeter };
let root: string;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), "isthmus-store-"));
});
afterEach(() => rm(root, { recursive: true }));

async function open(path: string, compactBytes?: number): Promise<Store> {
  const opened = await openFileStore({ path, ...(compactBytes ? { compactBytes } : {}) }, deps);
  if (!opened.ok) throw new Error(opened.error.text);
  return opened.value;
}

testStoreCompliance(
  "FileStore on the machine's disk",
  async () => {
    const path = await mkdtemp(join(root, "place-"));
    return { open: () => open(path, 1) };
  },
  8,
);

test("a second broker on one folder is told so, until the first has closed", async () => {
  const first = await open(root);
  expect(await openFileStore({ path: root }, deps)).toEqual({
    ok: false,
    error: {
      kind: "store-failed",
      text: `cannot open store ${root}: only one broker may use it: another one does`,
    },
  });
  await first.append([aRow(1)]);
  const before = contents(first);
  await first.close();
  const second = await open(root);
  expect(contents(second)).toEqual(before);
  await second.close();
});

test("a path that cannot be a folder is an error that names it", async () => {
  const path = "/dev/null/store";
  const opened = await openFileStore({ path }, deps);
  expect(opened.ok ? "" : opened.error.text).toMatch(
    /^cannot open store \/dev\/null\/store: ENOTDIR/,
  );
});

test("its files are for their owner only", async () => {
  const path = join(root, "new", "store");
  const store = await open(path);
  expect((await stat(path)).mode & 0o777).toBe(0o700);
  for (const name of await readdir(path)) {
    if (name.startsWith("log-")) expect((await stat(join(path, name))).mode & 0o777).toBe(0o600);
  }
  await store.close();
});
