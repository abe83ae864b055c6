import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { must } from "../../api/result.ts";
import { systemClock } from "../../runtime/clock/system-clock.ts";
import { silentLogger } from "../../runtime/log/silent-log.ts";
import { silentMeter } from "../../runtime/metrics/silent-meter.ts";
import { seededRandom } from "../../runtime/random/seeded-random.ts";
import { DEFAULT_GLOBAL_CIDRS, parsePools } from "../globals/block-book.ts";
import { GlobalAddresses } from "../globals/global-addresses.ts";
import type { BrokerPlace } from "../place/broker-place.ts";
import { FolderPlace } from "../place/folder-place.ts";
import { SpacePlace } from "../place/space-place.ts";
import { MemorySpace } from "../store/space/memory/memory-space.ts";
import { MemorySpaceServer } from "../store/space/memory/memory-space-server.ts";
import type { Store } from "../store/store.ts";
import { aDelete, aRow } from "../store/store-compliance.ts";
import { testCluster } from "../wire/row-arbitrary.ts";
import { formatBackup, parseBackup } from "./backup-file.ts";
import { makeBackup } from "./make-backup.ts";
import { restoreBackup } from "./restore-backup.ts";

const a = testCluster("a");
const b = testCluster("b");
const c = testCluster("c");
const { signal } = new AbortController();
const deps = { clock: systemClock, random: seededRandom(1), log: silentLogger, meter: silentMeter };

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "isthmus-backup-"));
});
afterEach(() => rm(folder, { recursive: true }));

let places = 0;
const kinds: readonly { readonly kind: string; readonly make: () => BrokerPlace }[] = [
  { kind: "a folder", make: () => new FolderPlace(join(folder, `place-${++places}`), deps) },
  {
    kind: "a space",
    make: () => {
      const [rows, shared] = [new MemorySpaceServer(), new MemorySpaceServer()];
      const spaces = { openRows: () => new MemorySpace(rows), records: new MemorySpace(shared) };
      return new SpacePlace({ name: "memory" }, { ...deps, ...spaces });
    },
  },
];

async function fill(place: BrokerPlace): Promise<Store> {
  const store = must(await place.openStore(signal));
  const life = { incarnation: 1, joinedAtMs: 5, certificateSerial: "ab" };
  await store.putMember({ ...life, cluster: a });
  await store.putMember({ ...life, cluster: b, incarnation: 7 });
  await store.append([aRow(1), aRow(2, "db"), aDelete(3, "db")]);
  await store.append([{ kind: "complete", cluster: a, incarnation: 1 }]);
  await store.removeMember(b);
  must(await place.records.create("authority", "secret"));
  must(await place.records.create("tokens/Ab_1", '{"x":1}'));
  return store;
}

/** As a broker that has just been started over the place gives global addresses. */
function globalsOf(place: BrokerPlace, table: Store["table"]): GlobalAddresses {
  const pools = must(parsePools(DEFAULT_GLOBAL_CIDRS));
  return new GlobalAddresses(pools, { ...deps, records: place.records, table });
}

describe.each(kinds)("a backup of $kind", ({ make }) => {
  test.each(kinds)(
    "in $kind gives every member the global addresses that it had, and nobody else",
    async (target) => {
      const place = make();
      const store = await fill(place);
      const need = { podCidrs: ["10.0.0.0/16", "fd00:1::/56"], fixed: [] };
      const before = globalsOf(place, store.table);
      const [ofA, ofC] = [
        must(await before.allocate(a, need)),
        must(await before.allocate(c, need)),
      ];
      const text = formatBackup(must(await makeBackup(place)));
      await store.close();
      const into = target.make();
      must(await restoreBackup(into, must(parseBackup(text)), signal));
      const again = must(await into.openStore(signal));
      const after = globalsOf(into, again.table);
      // One that is new asks first: it is given what nobody had.
      const ofNew = must(await after.allocate(testCluster("new"), need));
      expect(must(await after.allocate(c, need))).toEqual(ofC);
      expect(must(await after.allocate(a, need))).toEqual(ofA);
      const given = [ofA, ofC, ofNew].flatMap(({ prefixes, nodePrefixes }) => [
        ...prefixes.map(({ global }) => global),
        ...nodePrefixes,
      ]);
      expect(new Set(given).size).toBe(given.length);
      await again.close();
    },
  );

  test.each(kinds)("taken while it is in use goes into $kind", async (target) => {
    const place = make();
    const store = await fill(place);
    const text = formatBackup(must(await makeBackup(place)));
    await store.close();
    const into = target.make();
    must(await restoreBackup(into, must(parseBackup(text)), signal));
    const again = must(await into.openStore(signal));
    expect(again.epoch).not.toBe(store.epoch);
    expect(again.members()).toMatchObject([{ cluster: "a", incarnation: 1 }]);
    expect(again.table.departed(b)).toBe(7);
    const owner = again.table.owner(a);
    expect([owner?.sequence, owner?.size, owner?.isComplete]).toEqual([3, 1, false]);
    expect(must(await into.records.read("tokens/Ab_1"))?.text).toBe('{"x":1}');
    await again.close();
    const twice = await restoreBackup(into, must(parseBackup(text)), signal);
    expect(twice.ok ? "" : twice.error).toMatch(/^cannot restore: .* must be empty/);
  });

  test("where no broker was is an error", async () => {
    const made = await makeBackup(make());
    expect(made.ok ? "" : made.error).toMatch(/^no broker data in/);
  });
});

describe("a backup that is not whole", () => {
  test.each([
    { name: "cut", change: (text: string) => text.slice(0, -20) },
    { name: "without a line", change: (text: string) => text.replace(/\n[^\n]*/, "") },
    { name: "changed", change: (text: string) => text.replace("secret", "sEcret") },
    { name: "empty", change: () => "" },
    { name: "something else", change: () => '{"format":"x"}\n' },
    { name: "of a later version", change: (text: string) => text.replace(":1}", ":2}") },
  ])("$name: is refused, and its secrets are not told", async ({ change }) => {
    const place = kinds[1]?.make();
    if (place === undefined) throw new Error("two kinds");
    await fill(place);
    const parsed = parseBackup(change(formatBackup(must(await makeBackup(place)))));
    expect(parsed.ok ? "" : parsed.error).toMatch(/^backup must/);
    expect(parsed.ok ? "" : parsed.error).not.toContain("secret");
  });
});
