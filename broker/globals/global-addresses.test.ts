import * as fc from "fast-check";
import { expect, test } from "vitest";
import { cidrsOverlap } from "../../api/network/cidr.ts";
import type { Result } from "../../api/result.ts";
import { VirtualClock } from "../../runtime/clock/virtual-clock.ts";
import { silentLogger as log } from "../../runtime/log/silent-log.ts";
import { seededRandom } from "../../runtime/random/seeded-random.ts";
import { BrokerTable } from "../core/broker-table.ts";
import { SpaceRecords } from "../shared/space-records.ts";
import { MemorySpace } from "../store/space/memory/memory-space.ts";
import { MemorySpaceServer } from "../store/space/memory/memory-space-server.ts";
import { testCluster } from "../wire/row-arbitrary.ts";
import { parsePools } from "./block-book.ts";
import { GLOBALS_KEY } from "./book-record.ts";
import { GlobalAddresses } from "./global-addresses.ts";
import type { GlobalBlock } from "./global-block.ts";

const pools = parsePools(["242.0.0.0/8"]);
const NEED = { podCidrs: ["10.0.0.0/16"], fixed: [] };

/** Replicas over one space, each with its own view of it. */
function replicas(count: number) {
  const server = new MemorySpaceServer();
  const clock = new VirtualClock();
  const writes: string[] = [];
  const all = Array.from({ length: count }, (_, at) => {
    const records = new SpaceRecords(new MemorySpace(server));
    const counted = {
      read: (key: string) => records.read(key),
      create: (key: string, text: string) => records.create(key, text),
      replace: (key: string, text: string, revision: string) => {
        writes.push(key);
        return records.replace(key, text, revision);
      },
    };
    const deps = {
      records: counted,
      table: new BrokerTable(),
      clock,
      random: seededRandom(at),
      log,
    };
    return new GlobalAddresses(pools.ok ? pools.value : [], deps);
  });
  const records = new SpaceRecords(new MemorySpace(server));
  return { all, clock, writes, records };
}

test("replicas that race give each member its own, and the same to one that asks both", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.tuple(fc.nat(2), fc.constantFrom("a", "b", "c", "d", "e")), { maxLength: 12 }),
      async (questions) => {
        const { all, clock } = replicas(3);
        const answers: { name: string; block: Result<GlobalBlock, string> }[] = [];
        for (const [at, name] of questions) {
          const replica = all[at];
          if (replica === undefined) throw new Error("there are three replicas");
          void replica
            .allocate(testCluster(name), NEED)
            .then((block) => answers.push({ name, block }));
        }
        while (answers.length < questions.length) await clock.advance(100);
        const given = new Map<string, string>();
        for (const { name, block } of answers) {
          if (!block.ok) throw new Error("the space works");
          const text = JSON.stringify(block.value);
          expect(block.value.problem).toBe("");
          expect(given.get(name) ?? text).toBe(text);
          given.set(name, text);
        }
        const book = await all[0]?.book();
        if (book?.ok !== true) throw new Error("the space works");
        expect(book.value).toHaveLength(2 * given.size);
        for (const [at, one] of book.value.entries()) {
          const others = book.value.slice(at + 1);
          expect(others.some((other) => cidrsOverlap(one.global, other.global))).toBe(false);
        }
      },
    ),
    { numRuns: 60 },
  );
});

test("a crowd that comes back is answered out of a few readings, and nothing is written when nothing changed (I9)", async () => {
  const { all, writes } = replicas(1);
  const names = Array.from({ length: 100 }, (_, at) => testCluster(`m${at}`));
  const [replica] = all;
  if (replica === undefined) throw new Error("there is one replica");
  const ask = () => Promise.all(names.map((name) => replica.allocate(name, NEED)));
  const first = await ask();
  expect(writes.length).toBeLessThanOrEqual(1);
  expect(await ask()).toEqual(first);
  expect(writes.length).toBeLessThanOrEqual(1);
});

test("a damaged record is an error, and stays as it is", async () => {
  const { all, records } = replicas(1);
  await records.create(GLOBALS_KEY, "damaged");
  expect(await all[0]?.allocate(testCluster("a"), NEED)).toMatchObject({
    ok: false,
    error: expect.stringMatching(/record of global addresses/),
  });
  expect(await records.read(GLOBALS_KEY)).toMatchObject({ value: { text: "damaged" } });
});
