import { mkdtemp, rm } from "node:fs/promises";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { must } from "../../../api/result.ts";
import { silentAudit } from "../../../broker/audit/audit-log.ts";
import { FileIdentityStore } from "../../../broker/identity/member/file-identity-store.ts";
import { joinClusterset } from "../../../broker/identity/member/join-clusterset.ts";
import type { MemberIdentity } from "../../../broker/identity/member/member-identity.ts";
import { issueToken } from "../../../broker/identity/token/issue-token.ts";
import type { BrokerPlace } from "../../../broker/place/broker-place.ts";
import { openPlace, type PlaceChoice } from "../../../broker/place/open-place.ts";
import { sleep } from "../../../runtime/clock/sleep.ts";
import { systemClock } from "../../../runtime/clock/system-clock.ts";
import { silentLogger } from "../../../runtime/log/silent-log.ts";
import { silentMeter } from "../../../runtime/metrics/silent-meter.ts";
import { systemRandom } from "../../../runtime/random/system-random.ts";
import { freePorts } from "../../../sandbox/process/free-ports.ts";
import { ManagedProcess } from "../../../sandbox/process/managed-process.ts";
import { EtcdCluster } from "../etcd/etcd-cluster.ts";
import { KubeHub } from "../kube-hub/kube-hub.ts";

export type StoreKind = "file" | "kubernetes" | "etcd";

/** Something that a fault breaks and mends. */
export interface Fault {
  readonly name: string;
  break(): Promise<void>;
  mend(): Promise<void>;
}

interface Engine extends AsyncDisposable {
  readonly choice: PlaceChoice;
  /** Flags of the broker. */
  readonly flags: readonly string[];
  readonly faults: readonly Fault[];
}

const { signal } = new AbortController();
const deps = {
  clock: systemClock,
  random: systemRandom,
  log: silentLogger,
  meter: silentMeter,
  audit: silentAudit,
};
const OPEN_MS = 60_000;
const LISTEN_MS = 20_000;

/** Broker processes over one store, whose every part can be killed. */
export class CrashWorld implements AsyncDisposable {
  readonly ports: readonly number[];
  readonly faults: readonly Fault[];
  readonly #folder: string;
  readonly #engine: Engine;
  readonly #place: BrokerPlace;
  readonly #brokers: readonly ManagedProcess[];

  private constructor(folder: string, engine: Engine, ports: readonly number[]) {
    this.#folder = folder;
    this.#engine = engine;
    this.ports = ports;
    this.#place = must(openPlace(engine.choice, deps));
    this.#brokers = ports.map((port, at) => {
      const name = `broker-${at}`;
      const dataDir = engine.choice.kind === "file" ? engine.choice.dataDir : join(folder, name);
      const flags = ["--data-dir", dataDir, "--clusterset", "crash", ...engine.flags];
      const listen = ["--listen", `127.0.0.1:${port}`, "--health-listen", "127.0.0.1:0"];
      const args = ["broker", ...flags, ...listen, "--server-names", "127.0.0.1"];
      const options = { name, args, logFile: join(folder, `${name}.log`), restart: false };
      const env = { PATH: process.env["PATH"], HOME: folder, HOSTNAME: name };
      return new ManagedProcess({ ...options, env }, deps);
    });
    const killing = this.#brokers.map((broker, at) => ({
      name: `kill -9 of ${broker.name}`,
      break: () => broker.kill(),
      mend: async () => {
        if (!broker.isRunning) broker.start();
        await listening(ports[at] ?? 0);
      },
    }));
    this.faults = [...killing, ...engine.faults];
  }

  static async start(kind: StoreKind): Promise<CrashWorld> {
    const folder = await mkdtemp(join(tmpdir(), "isthmus-crash-"));
    const engine = await startEngine(kind, folder);
    const ports = await freePorts(kind === "file" ? 1 : 3, systemRandom);
    const world = new CrashWorld(folder, engine, ports);
    for (const broker of world.#brokers) broker.start();
    return world;
  }

  /** As an admin and `isthmus join` would. */
  async join(clusterId: string): Promise<MemberIdentity> {
    const brokerAddress = `127.0.0.1:${this.ports[0]}`;
    const untilMs = systemClock.monotonicMs() + OPEN_MS;
    let token = await issueToken(this.#place, { clusterId, brokerAddress }, deps);
    // Until the first broker has made an authority.
    while (!token.ok && systemClock.monotonicMs() < untilMs) {
      await sleep(systemClock, 100, signal);
      token = await issueToken(this.#place, { clusterId, brokerAddress }, deps);
    }
    const store = new FileIdentityStore(join(this.#folder, clusterId), deps);
    return must(await joinClusterset({ clusterId, token: must(token).text }, { ...deps, store }));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const broker of this.#brokers) await broker.kill();
    await this.#place.close();
    await this.#engine[Symbol.asyncDispose]();
    await rm(this.#folder, { recursive: true, force: true });
  }
}

/** Until somebody listens there, or long enough. */
async function listening(port: number): Promise<void> {
  const untilMs = systemClock.monotonicMs() + LISTEN_MS;
  while (systemClock.monotonicMs() < untilMs && !(await accepts(port))) {
    await sleep(systemClock, 50, signal);
  }
}

function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1", () => {
      socket.destroy();
      resolve(true);
    });
    socket.on("error", () => resolve(false));
  });
}

async function startEngine(kind: StoreKind, folder: string): Promise<Engine> {
  if (kind === "file") {
    const choice = { kind, dataDir: join(folder, "data") };
    return { choice, flags: [], faults: [], [Symbol.asyncDispose]: async () => undefined };
  }
  return kind === "etcd" ? etcdEngine() : kubernetesEngine();
}

async function etcdEngine(): Promise<Engine> {
  const cluster = await EtcdCluster.start({ members: 3, isTls: true });
  const access = cluster.access();
  const { endpoints, caFile = "", certFile = "", keyFile = "" } = access;
  const tls = ["--etcd-ca", caFile, "--etcd-cert", certFile, "--etcd-key", keyFile];
  const faults = [0, 1, 2].flatMap((at) => [
    {
      name: `kill -9 of etcd member ${at}`,
      break: () => cluster.kill(at),
      mend: async () => cluster.restart(at),
    },
    {
      name: `etcd member ${at} cut off`,
      break: async () => cluster.partition(at),
      mend: async () => cluster.heal(),
    },
  ]);
  return {
    choice: { kind: "etcd", access, prefix: "/isthmus/crash" },
    flags: ["--store", "etcd", "--etcd-endpoints", endpoints.join(","), ...tls],
    faults,
    [Symbol.asyncDispose]: () => cluster[Symbol.asyncDispose](),
  };
}

async function kubernetesEngine(): Promise<Engine> {
  const hub = await KubeHub.start();
  const namespace = await hub.newNamespace();
  const client = hub.client();
  return {
    choice: { kind: "kubernetes", client, namespace, clusterset: "crash" },
    flags: [
      "--store",
      "kubernetes",
      "--store-namespace",
      namespace,
      "--kubeconfig",
      hub.kubeconfig,
      ...(hub.context === undefined ? [] : ["--context", hub.context]),
    ],
    faults: hub.isRestartable
      ? [{ name: "API server stopped", break: () => hub.stop(), mend: () => hub.resume() }]
      : [],
    [Symbol.asyncDispose]: () => hub[Symbol.asyncDispose](),
  };
}
