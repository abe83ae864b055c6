import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, expect, test } from "vitest";
import { must } from "../../api/result.ts";
import type { RunningBroker } from "../../broker/server/start-broker.ts";
import { FaultyFolder } from "../../broker/store/file/faulty-folder.ts";
import { FileStore } from "../../broker/store/file/file-store.ts";
import type { Store } from "../../broker/store/store.ts";
import { LIMITS } from "../../broker/wire/limits.ts";
import { anExportRow } from "../../broker/wire/test-rows.ts";
import { sleep } from "../../runtime/clock/sleep.ts";
import { systemClock as clock } from "../../runtime/clock/system-clock.ts";
import { silentLogger } from "../../runtime/log/silent-log.ts";
import { PrometheusMeter } from "../../runtime/metrics/prometheus-meter.ts";
import { silentMeter } from "../../runtime/metrics/silent-meter.ts";
import { systemRandom } from "../../runtime/random/system-random.ts";
import { BrokerWorld, type TestStream } from "./broker-world.ts";
import { EtcdCluster } from "./etcd/etcd-cluster.ts";
import { openEtcdStore } from "./etcd/etcd-stores.ts";
import { KubeHub } from "./kube-hub/kube-hub.ts";
import { SlowProxy } from "./slow-proxy.ts";

/** Of each write; etcd's client gives up a call after two seconds. */
const SLOW_MS = 2500;
/** A write and a bit. */
const WATCHED_MS = 3000;
/** What one member writes at once: more than may wait. */
const FLOOD = 3 * LIMITS.unstoredWrites;
const { signal } = new AbortController();

const disposables: AsyncDisposable[] = [];
afterEach(async () => {
  for (const disposable of disposables.splice(0).reverse()) await disposable[Symbol.asyncDispose]();
});

function keep<T extends AsyncDisposable>(disposable: T): T {
  disposables.push(disposable);
  return disposable;
}

interface SlowStore {
  readonly store: Store;
  readonly slow: (ms: number) => void;
}

async function onDisk(): Promise<SlowStore> {
  const folder = new FaultyFolder();
  const lock = { release: () => undefined };
  const deps = { folder, lock, clock, random: systemRandom, log: silentLogger };
  const store = must(await FileStore.open({}, { ...deps, meter: silentMeter }));
  const slow = (ms: number): void => {
    folder.syncing = () => sleep(clock, ms, signal);
  };
  return { store, slow };
}

function behind(proxy: SlowProxy, store: Store): SlowStore {
  keep({ [Symbol.asyncDispose]: () => store.close() });
  const slow = (ms: number): void => {
    proxy.delayMs = ms;
  };
  return { store, slow };
}

async function inEtcd(): Promise<SlowStore> {
  const etcd = keep(await EtcdCluster.start({ members: 1 }));
  const [endpoint = ""] = etcd.access().endpoints;
  const proxy = keep(await SlowProxy.start(Number(new URL(endpoint).port)));
  const access = { ...etcd.access(), endpoints: [`http://127.0.0.1:${proxy.port}`] };
  return behind(proxy, await openEtcdStore(access, "/isthmus"));
}

async function inKubernetes(): Promise<SlowStore> {
  const hub = keep(await KubeHub.start());
  const namespace = await hub.newNamespace();
  const config = await readFile(hub.kubeconfig, "utf8");
  const [address = "", port = ""] = /127\.0\.0\.1:(\d+)/.exec(config) ?? [];
  const proxy = keep(await SlowProxy.start(Number(port)));
  const kubeconfig = join(hub.folder, "slow-kubeconfig");
  await writeFile(kubeconfig, config.replaceAll(address, `127.0.0.1:${proxy.port}`));
  return behind(proxy, await hub.openStore(namespace, hub.client({ kubeconfig })));
}

class Members {
  readonly world: BrokerWorld;
  readonly broker: RunningBroker;
  readonly #meter: PrometheusMeter;

  private constructor(world: BrokerWorld, broker: RunningBroker, meter: PrometheusMeter) {
    this.world = world;
    this.broker = broker;
    this.#meter = meter;
  }

  static async of(store: Store): Promise<Members> {
    const world = keep(await BrokerWorld.create());
    const meter = new PrometheusMeter();
    return new Members(world, await world.startBroker(store, { meter }), meter);
  }

  async open(clusterId: string, incarnation: number): Promise<TestStream> {
    const stream = this.world.open(this.broker, await this.world.certify(clusterId, incarnation));
    stream.hello({ namespaces: ["shop"] });
    await stream.hear("ownRowsEnd");
    stream.complete();
    await stream.hear("stored");
    return stream;
  }

  async unstored(): Promise<number> {
    const text = await this.#meter.text();
    return Number(/^isthmus_broker_unstored_writes (\d+)$/m.exec(text)?.[1] ?? Number.NaN);
  }

  async ready(): Promise<number> {
    const url = `http://127.0.0.1:${this.broker.healthListen?.port}/readyz`;
    return (await fetch(url)).status;
  }
}

/** Milliseconds from asking until it is answered. */
async function timed(answered: () => Promise<unknown>): Promise<number> {
  const startMs = clock.monotonicMs();
  await answered();
  return Math.round(clock.monotonicMs() - startMs);
}

test.each<[string, () => Promise<SlowStore>]>([
  ["a disk", onDisk],
  ["etcd", inEtcd],
  ["the hub's API server", inKubernetes],
])(
  "%s whose every write takes seconds: writers wait within bounds, readers do not, and it goes on when it is quick again",
  async (name, begin) => {
    const { store, slow } = await begin();
    const members = await Members.of(store);
    const [flooding, reader, other] = [
      await members.open("a", 1),
      await members.open("b", 2),
      await members.open("c", 3),
    ];
    slow(SLOW_MS);
    for (let at = 1; at <= FLOOD; at++) flooding.put(at, anExportRow({ name: `s${at}` }));
    let mostWaiting = 0;
    const pings: number[] = [];
    const begunMs = clock.monotonicMs();
    const isOver = (): boolean => clock.monotonicMs() - begunMs > WATCHED_MS;
    const othersMs = timed(async () => {
      other.put(1, anExportRow({ name: "other" }));
      await reader.hear("rowPut", ({ clusterId }) => clusterId === "c");
    });
    while (!isOver()) {
      const from = reader.heard.length;
      pings.push(
        await timed(async () => {
          reader.ping();
          await reader.hear("pong", undefined, from);
        }),
      );
      mostWaiting = Math.max(mostWaiting, await members.unstored());
      // Slow is not broken.
      expect(await members.ready()).toBe(200);
      await sleep(clock, 20, signal);
    }
    const stored = flooding.heard.findLast(({ $case }) => $case === "stored");
    const acknowledged = stored?.$case === "stored" ? stored.value.sequence : 0;
    // What waits, what was under way when that was full, and the other member's.
    expect(mostWaiting).toBeGreaterThan(LIMITS.unstoredWrites / 2);
    expect(mostWaiting).toBeLessThanOrEqual(LIMITS.unstoredWrites + 2);
    expect(acknowledged).toBeLessThan(FLOOD);
    expect(flooding.error).toBeUndefined();
    slow(0);
    await reader.hear("rowPut", ({ sequence }) => sequence === FLOOD);
    await flooding.hear("stored", ({ sequence }) => sequence === FLOOD);
    while ((await members.unstored()) > 0) await sleep(clock, 5, signal);
    const ordered = pings.toSorted((left, right) => left - right);
    process.stdout.write(
      `${name}, ${SLOW_MS} ms a write: ${acknowledged} of ${FLOOD} writes acknowledged in ${WATCHED_MS} ms, at most ${mostWaiting} waiting; ` +
        `another member's write stored and shown after ${await othersMs} ms; a reader answered after ` +
        `${ordered[ordered.length >> 1]} ms at the median, ${ordered.at(-1)} at worst\n`,
    );
  },
);
