import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { status } from "@grpc/grpc-js";
import { afterEach, expect, test } from "vitest";
import type { RunningBroker } from "../../broker/server/start-broker.ts";
import type { Store } from "../../broker/store/store.ts";
import { anExportRow } from "../../broker/wire/test-rows.ts";
import { sleep } from "../../runtime/clock/sleep.ts";
import { systemClock as clock } from "../../runtime/clock/system-clock.ts";
import { fromErrorAnswer } from "../../runtime/kube/client/status-error.ts";
import type { KubeClient } from "../../runtime/kube/kube-client.ts";
import type { KubeError } from "../../runtime/kube/kube-error.ts";
import { PrometheusMeter } from "../../runtime/metrics/prometheus-meter.ts";
import { overrideKubeClient } from "../sim/world/override-kube-client.ts";
import { BrokerWorld, type TestStream } from "./broker-world.ts";
import { EtcdCluster } from "./etcd/etcd-cluster.ts";
import { etcdSpace, openEtcdStore } from "./etcd/etcd-stores.ts";
import { KubeHub } from "./kube-hub/kube-hub.ts";

const { signal } = new AbortController();
const disposables: AsyncDisposable[] = [];
afterEach(async () => {
  for (const disposable of disposables.splice(0).reverse()) await disposable[Symbol.asyncDispose]();
});

function keep<T extends AsyncDisposable>(disposable: T): T {
  disposables.push(disposable);
  return disposable;
}

/** A broker over a store that refuses for a while, a member that writes and one that reads. */
class Scene {
  readonly #broker: RunningBroker;
  readonly #open: (clusterId: string) => Promise<TestStream>;
  writer: TestStream;
  readonly reader: TestStream;

  private constructor(
    broker: RunningBroker,
    open: (clusterId: string) => Promise<TestStream>,
    [writer, reader]: readonly [TestStream, TestStream],
  ) {
    this.#broker = broker;
    this.#open = open;
    this.writer = writer;
    this.reader = reader;
  }

  static async over(store: Store): Promise<Scene> {
    keep({ [Symbol.asyncDispose]: () => store.close() });
    const world = keep(await BrokerWorld.create());
    const broker = await world.startBroker(store, { meter: new PrometheusMeter() });
    const who = { a: await world.certify("a", 1), b: await world.certify("b", 2) };
    const open = async (clusterId: string): Promise<TestStream> => {
      const stream = world.open(broker, clusterId === "a" ? who.a : who.b);
      stream.hello({ namespaces: ["shop"] });
      await stream.hear("ownRowsEnd");
      return stream;
    };
    const [writer, reader] = [await open("a"), await open("b")];
    writer.complete();
    writer.put(1, anExportRow());
    await writer.hear("stored", ({ sequence }) => sequence === 1);
    await reader.hear("rowPut");
    return new Scene(broker, open, [writer, reader]);
  }

  async ready(): Promise<readonly [number, string]> {
    const answer = await fetch(`http://127.0.0.1:${this.#broker.healthListen?.port}/readyz`);
    return [answer.status, await answer.text()];
  }

  /** Its stream ends, and says why; the broker says so too; who reads is answered, and shown nothing that is not stored. */
  async refuses(reason: RegExp): Promise<void> {
    this.writer.put(2, anExportRow({ name: "no-room" }));
    const failure = await this.writer.failure();
    expect([failure.code, failure.details]).toEqual([
      status.UNAVAILABLE,
      expect.stringMatching(reason),
    ]);
    expect(await this.ready()).toEqual([503, expect.stringMatching(reason)]);
    const from = this.reader.heard.length;
    this.reader.ping();
    await this.reader.hear("pong", undefined, from);
    expect(this.reader.count("rowPut")).toBe(1);
  }

  /** Without anybody's doing at the broker. */
  async recovers(): Promise<void> {
    for (;;) {
      try {
        this.writer = await this.#open("a");
        break;
      } catch {
        await sleep(clock, 100, signal);
      }
    }
    this.writer.put(2, anExportRow({ name: "room" }));
    await this.writer.hear("stored", ({ sequence }) => sequence === 2);
    await this.reader.hear("rowPut", ({ sequence }) => sequence === 2);
    while ((await this.ready())[0] !== 200) await sleep(clock, 50, signal);
  }
}

test("an etcd that is full, until its admin has made room", async () => {
  const etcd = keep(
    await EtcdCluster.start({ members: 1, args: ["--quota-backend-bytes", `${4 << 20}`] }),
  );
  const scene = await Scene.over(await openEtcdStore(etcd.access(), "/isthmus"));
  const filler = etcdSpace(etcd.access(), "/filler");
  keep({ [Symbol.asyncDispose]: () => filler.close() });
  const names: string[] = [];
  for (let isFull = false; !isFull; ) {
    const name = `fill.${names.length}`;
    isFull = !(await filler.create({ name, data: Buffer.alloc(900_000) })).ok;
    if (!isFull) names.push(name);
  }
  await scene.refuses(/etcd: .*database space exceeded/);
  // As etcd's documentation says: room is made, the alarm is taken back.
  const [endpoint = ""] = etcd.access().endpoints;
  const etcdctl = (...args: readonly string[]): Promise<{ readonly stdout: string }> =>
    promisify(execFile)("etcdctl", ["--endpoints", endpoint, ...args], {
      env: { PATH: process.env["PATH"] ?? "", ETCDCTL_API: "3" },
    });
  await etcdctl("del", "--prefix", "/filler");
  const { stdout } = await etcdctl("get", "x", "-w", "json");
  const revision = /"revision":(\d+)/.exec(stdout)?.[1] ?? "";
  await etcdctl("compact", revision);
  await etcdctl("defrag");
  await etcdctl("alarm", "disarm");
  await scene.recovers();
});

function answer(code: number, reason: string, message: string): KubeError {
  const body = { kind: "Status", apiVersion: "v1", status: "Failure", code, reason, message };
  return fromErrorAnswer(code, JSON.stringify(body), undefined);
}

async function aHub(refusal: () => KubeError | undefined): Promise<Scene> {
  const hub = keep(await KubeHub.start());
  const client = hub.client();
  const create: KubeClient["create"] = async (...call) => {
    const error = refusal();
    return error === undefined ? client.create(...call) : { ok: false, error };
  };
  const refusing = overrideKubeClient(client, { create });
  return Scene.over(await hub.openStore(await hub.newNamespace(), refusing));
}

test.each<[string, KubeError, RegExp]>([
  [
    "whose quota is used up (403)",
    answer(403, "Forbidden", 'brokerrecords "log" is forbidden: exceeded quota: objects'),
    /exceeded quota/,
  ],
  [
    "to which what is written is too large (413)",
    answer(413, "RequestEntityTooLarge", "limit is 3145728"),
    /limit is 3145728/,
  ],
  [
    "whose own etcd is full (500)",
    answer(500, "InternalError", "etcdserver: mvcc: database space exceeded"),
    /database space exceeded/,
  ],
])("an API server %s", async (_, error, reason) => {
  let refusal: KubeError | undefined;
  const scene = await aHub(() => refusal);
  refusal = error;
  await scene.refuses(reason);
  refusal = undefined;
  await scene.recovers();
});

test("an API server that has too much to do (429) makes writers wait, and nobody else", async () => {
  let refusal: KubeError | undefined;
  const scene = await aHub(() => refusal);
  refusal = answer(429, "TooManyRequests", "too many requests, please try again later");
  scene.writer.put(2, anExportRow({ name: "later" }));
  const from = scene.reader.heard.length;
  scene.reader.ping();
  await scene.reader.hear("pong", undefined, from);
  await sleep(clock, 2000, signal);
  expect([scene.writer.error, (await scene.ready())[0]]).toEqual([undefined, 200]);
  expect(scene.reader.count("rowPut")).toBe(1);
  refusal = undefined;
  await scene.writer.hear("stored", ({ sequence }) => sequence === 2);
  await scene.reader.hear("rowPut", ({ sequence }) => sequence === 2);
});
