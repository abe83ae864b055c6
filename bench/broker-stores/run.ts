import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { stdout } from "node:process";
import type { StoreRecord } from "../../broker/core/store-record.ts";
import { openFileStore } from "../../broker/store/file/open-file-store.ts";
import type { Store, StoreSession } from "../../broker/store/store.ts";
import { encodeRowBytes } from "../../broker/wire/encode-row.ts";
import { parseRowKey } from "../../broker/wire/parse-row-key.ts";
import { testCluster } from "../../broker/wire/row-arbitrary.ts";
import { anEndpointsRow } from "../../broker/wire/test-rows.ts";
import { systemClock as clock } from "../../runtime/clock/system-clock.ts";
import { silentLogger as log } from "../../runtime/log/silent-log.ts";
import { silentMeter as meter } from "../../runtime/metrics/silent-meter.ts";
import { systemRandom as random } from "../../runtime/random/system-random.ts";
import { EtcdCluster } from "../../test/system/etcd/etcd-cluster.ts";
import { openEtcdStore } from "../../test/system/etcd/etcd-stores.ts";
import { KubeHub } from "../../test/system/kube-hub/kube-hub.ts";
import { percentiles } from "../broker/workload.ts";

// Stores of the broker side by side: what a row costs until it is acknowledged, one by one and many at once.

interface Place {
  open(): Promise<Store>;
  dispose(): Promise<void>;
  readonly isShared: boolean;
}

const SINGLE = 300;
const BURST = 10_000;
const OWNERS = 20;

function rowOf(owner: string, sequence: number): StoreRecord {
  const endpoints = Array.from({ length: 10 }, (_, at) => ({
    addresses: [`10.${at}.${sequence % 250}.1`],
    ready: true,
    serving: true,
    terminating: false,
  }));
  const cluster = testCluster(owner);
  const row = anEndpointsRow({ cluster, name: `svc-${sequence}`, endpoints });
  const key = parseRowKey(`endpoints/shop/svc-${sequence}/web-1`);
  if (!key.ok) throw new Error(key.error);
  const bytes = encodeRowBytes(row);
  return { kind: "row", cluster, incarnation: 1, sequence, key: key.value, bytes };
}

async function session(store: Store, owner: string): Promise<StoreSession> {
  const opened = await store.openSession(testCluster(owner));
  if (!opened.ok) throw new Error(opened.error.text);
  return opened.value;
}

async function append(to: StoreSession, record: StoreRecord): Promise<void> {
  const appended = await to.append([record]);
  if (!appended.ok) throw new Error(appended.error.text);
}

/** Rows of one owner as a session hands them over: at most so many without an answer. */
async function burst(store: Store, owner: string, count: number): Promise<void> {
  const writing = await session(store, owner);
  const window: Promise<void>[] = [];
  for (let sequence = 1; sequence <= count; sequence++) {
    window.push(append(writing, rowOf(owner, sequence)));
    if (window.length >= 1024) await window.shift();
  }
  await Promise.all(window);
}

async function measure(name: string, place: Place): Promise<void> {
  const store = await place.open();
  const other = place.isShared ? await place.open() : undefined;
  const one = await session(store, "one");
  const times: number[] = [];
  for (let sequence = 1; sequence <= SINGLE; sequence++) {
    const startMs = clock.monotonicMs();
    await append(one, rowOf("one", sequence));
    times.push(clock.monotonicMs() - startMs);
  }
  const { p50Ms, p99Ms } = percentiles(times);
  const alone = await timed(() => burst(store, "alone", BURST));
  const together = await timed(() =>
    Promise.all(
      Array.from({ length: OWNERS }, (_, at) => burst(store, `owner-${at}`, BURST / OWNERS)),
    ),
  );
  await other?.close();
  await store.close();
  let again: Store | undefined;
  const openMs = await timed(async () => (again = await place.open()));
  const rows = again?.table.rowCount();
  await again?.close();
  const line = {
    store: name,
    oneRowP50Ms: p50Ms,
    oneRowP99Ms: p99Ms,
    oneByOneRowsPerSecond: Math.round((1000 * SINGLE) / times.reduce((a, b) => a + b, 0)),
    oneOwnerRowsPerSecond: Math.round((1000 * BURST) / alone),
    twentyOwnersRowsPerSecond: Math.round((1000 * BURST) / together),
    openMs: Math.round(openMs),
    rows,
  };
  stdout.write(`${JSON.stringify(line)}\n`);
  await place.dispose();
}

async function timed(work: () => Promise<unknown>): Promise<number> {
  const startMs = clock.monotonicMs();
  await work();
  return clock.monotonicMs() - startMs;
}

async function filePlace(): Promise<Place> {
  const path = await mkdtemp(join(tmpdir(), "isthmus-bench-"));
  return {
    isShared: false,
    open: async () => {
      const opened = await openFileStore({ path }, { clock, random, log, meter });
      if (!opened.ok) throw new Error(opened.error.text);
      return opened.value;
    },
    dispose: () => rm(path, { recursive: true }),
  };
}

async function etcdPlace(members: number, isTls: boolean): Promise<Place> {
  const cluster = await EtcdCluster.start({ members, isTls });
  return {
    isShared: true,
    open: () => openEtcdStore(cluster.access(), "/bench"),
    dispose: () => cluster[Symbol.asyncDispose](),
  };
}

async function kubePlace(): Promise<Place> {
  const hub = await KubeHub.start();
  const namespace = await hub.newNamespace();
  return {
    isShared: true,
    open: () => hub.openStore(namespace),
    dispose: () => hub[Symbol.asyncDispose](),
  };
}

await measure("file", await filePlace());
await measure("etcd, one member", await etcdPlace(1, false));
await measure("etcd, three members, TLS", await etcdPlace(3, true));
await measure("kubernetes, embedded API server over HTTPS", await kubePlace());
