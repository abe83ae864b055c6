import { afterEach, expect, test } from "vitest";
import { must } from "../../api/result.ts";
import type { StoreRecord } from "../../broker/core/store-record.ts";
import { eventually } from "../../broker/store/replicas-compliance.ts";
import type { ReplicatedStore } from "../../broker/store/replicated/replicated-store.ts";
import { aRow, contents } from "../../broker/store/store-compliance.ts";
import { testCluster } from "../../broker/wire/row-arbitrary.ts";
import { sleep } from "../../runtime/clock/sleep.ts";
import { systemClock } from "../../runtime/clock/system-clock.ts";
import { EtcdCluster } from "./etcd/etcd-cluster.ts";
import { etcdSpace, openEtcdStore } from "./etcd/etcd-stores.ts";

const a = testCluster("a");
const { signal } = new AbortController();
const disposables: AsyncDisposable[] = [];
afterEach(async () => {
  for (const disposable of disposables.splice(0).reverse()) await disposable[Symbol.asyncDispose]();
});

async function aCluster(...options: Parameters<typeof EtcdCluster.start>): Promise<EtcdCluster> {
  const cluster = await EtcdCluster.start(...options);
  disposables.push(cluster);
  return cluster;
}

async function openStore(cluster: EtcdCluster, members?: number[]): Promise<ReplicatedStore> {
  const store = await openEtcdStore(cluster.access(members), "/isthmus");
  disposables.push({ [Symbol.asyncDispose]: () => store.close() });
  return store;
}

/** Writes rows of one cluster until told to stop, and notes which were acknowledged. */
class Writer {
  readonly acknowledged = new Set<string>();
  #isStopped = false;
  readonly #done: Promise<void>;

  constructor(store: ReplicatedStore, id: string) {
    this.#done = this.#run(store, id);
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    await this.#done;
  }

  async atLeast(count: number): Promise<void> {
    while (this.acknowledged.size < count) await sleep(systemClock, 10, signal);
  }

  async #run(store: ReplicatedStore, id: string): Promise<void> {
    const cluster = testCluster(id);
    for (let at = 1; !this.#isStopped; at++) {
      const name = `row-${at}`;
      const record = { ...aRow(at, name), cluster } as StoreRecord;
      if ((await store.append([record])).ok) this.acknowledged.add(`export/shop/${name}`);
    }
  }
}

function missing(store: ReplicatedStore, id: string, writer: Writer): string[] {
  const rows = new Set([...(store.table.owner(testCluster(id))?.rows() ?? [])].map(([key]) => key));
  return [...writer.acknowledged].filter((key) => !rows.has(key as never));
}

test("one of three members killed, and back, then the next: nothing acknowledged is lost, and writing goes on", async () => {
  const cluster = await aCluster({ members: 3, isTls: true });
  const [one, other] = [await openStore(cluster), await openStore(cluster)];
  const writers = [new Writer(one, "a"), new Writer(other, "b")] as const;
  for (const at of [0, 1, 2]) {
    const before = writers.map(({ acknowledged }) => acknowledged.size);
    await cluster.kill(at);
    await writers[0].atLeast((before[0] ?? 0) + 20);
    await writers[1].atLeast((before[1] ?? 0) + 20);
    cluster.restart(at);
    await cluster.ready();
  }
  for (const writer of writers) await writer.stop();
  const later = await openStore(cluster);
  expect([missing(later, "a", writers[0]), missing(later, "b", writers[1])]).toEqual([[], []]);
  for (const store of [one, other]) {
    must(await store.openSession(a));
    expect(contents(store)).toEqual(contents(one));
  }
});

test("a member cut from the others, which its clients still reach, acknowledges and shows nothing of its own", async () => {
  const cluster = await aCluster({ members: 3 });
  // One replica knows only the member that will be cut off.
  const cut = await openStore(cluster, [0]);
  const majority = await openStore(cluster, [1, 2]);
  const earlier = must(await cut.openSession(a));
  must(await earlier.append([aRow(1)]));
  cluster.partition(0);
  const lost = earlier.append([aRow(2, "cut")]);
  const later = must(await majority.openSession(a));
  must(await later.append([aRow(2, "majority")]));
  expect(cut.table.owner(a)?.sequence).toBe(1);
  cluster.heal();
  await cluster.ready();
  expect(await lost).toMatchObject({ ok: false });
  await eventually(cut, () => cut.table.owner(a)?.sequence === 2);
  expect(earlier.replaced.aborted).toBe(true);
  expect(contents(cut)).toEqual(contents(majority));
});

test("all members killed at once and back: what was acknowledged is there", async () => {
  const cluster = await aCluster({ members: 3 });
  const store = await openStore(cluster);
  const writer = new Writer(store, "a");
  for (let round = 1; round <= 2; round++) {
    await writer.atLeast(round * 30);
    await Promise.all([cluster.kill(0), cluster.kill(1), cluster.kill(2)]);
    for (const at of [0, 1, 2]) cluster.restart(at);
    await cluster.ready();
  }
  await writer.atLeast(90);
  await writer.stop();
  expect(missing(await openStore(cluster), "a", writer)).toEqual([]);
  expect(missing(store, "a", writer)).toEqual([]);
});

test("history compacted while a replica was not listening: it lists again and goes on", async () => {
  const cluster = await aCluster({
    members: 1,
    args: ["--auto-compaction-mode", "revision", "--auto-compaction-retention", "1"],
  });
  const [one, other] = [await openStore(cluster), await openStore(cluster)];
  must(await one.append([aRow(1)]));
  cluster.freeze(0);
  await sleep(systemClock, 500, signal);
  cluster.thaw(0);
  for (let sequence = 2; sequence <= 150; sequence++) {
    must(await one.append([aRow(sequence, `row-${sequence % 9}`)]));
  }
  must(await other.openSession(a));
  must(await one.openSession(testCluster("b")));
  expect(contents(other)).toEqual(contents(one));
});

test("a disk that hangs: writes wait, then fail, and go on when it is back", async () => {
  const cluster = await aCluster({ members: 1 });
  const store = await openStore(cluster);
  must(await store.append([aRow(1)]));
  cluster.freeze(0);
  const waiting = store.append([aRow(2, "slow")]);
  await sleep(systemClock, 3000, signal);
  cluster.thaw(0);
  must(await waiting);
  expect(store.table.owner(a)?.sequence).toBe(2);
});

test("a full etcd refuses, says why, and takes writes again once there is room", async () => {
  const cluster = await aCluster({ members: 1, args: ["--quota-backend-bytes", `${4 << 20}`] });
  const store = await openStore(cluster);
  must(await store.append([aRow(1)]));
  const filler = etcdSpace(cluster.access(), "/filler");
  disposables.push({ [Symbol.asyncDispose]: () => filler.close() });
  for (let at = 0; ; at++) {
    const filled = await filler.create({ name: `fill.${at}`, data: Buffer.alloc(900_000) });
    if (filled.ok) continue;
    expect(filled.error.kind).toBe("refused");
    break;
  }
  const refused = await store.append([aRow(2, "no-room")]);
  expect(refused).toMatchObject({
    ok: false,
    error: { kind: "store-failed", text: expect.stringContaining("database space exceeded") },
  });
  expect(store.health()).toMatchObject({ kind: "failed" });
  expect(store.table.owner(a)?.sequence).toBe(1);
});
