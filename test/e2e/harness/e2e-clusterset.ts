import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { NAMESPACES } from "../../../api/kube/namespace.ts";
import {
  CLUSTER_ID_PROPERTY,
  CLUSTERSET_PROPERTY,
  clusterProperties,
} from "../../../api/mcs/cluster-property.ts";
import { connectKube } from "../../../cli/cluster/connect-kube.ts";
import { sleep } from "../../../runtime/clock/sleep.ts";
import { systemClock } from "../../../runtime/clock/system-clock.ts";
import { silentMeter } from "../../../runtime/metrics/silent-meter.ts";
import { systemRandom } from "../../../runtime/random/system-random.ts";
import {
  type ClustersetPlan,
  ClustersetProcesses,
  type MemberPlan,
  portsNeeded,
} from "../../../sandbox/clusterset/clusterset-processes.ts";
import { DemoClusterset } from "../../../sandbox/demo/demo-clusterset.ts";
import { freePorts } from "../../../sandbox/process/free-ports.ts";
import { until } from "../../../sandbox/process/until.ts";
import { installAccess, removeAccess } from "./cluster-access.ts";
import { E2eCluster } from "./e2e-cluster.ts";
import { mustRunCli } from "./run-cli.ts";
import { runOptions } from "./run-options.ts";

/** Name of the clusterset that every run makes. */
export const CLUSTERSET = "e2e";
const START_MS = 60_000;

/** Existing clusters named on the command line of `npm run test:e2e`; undefined: embedded ones are made. */
function existingClusters(): readonly MemberPlan[] | undefined {
  const options = runOptions();
  return options?.contexts.map((context, index) => ({
    id: `member-${index + 1}`,
    kubeconfig: options.kubeconfig,
    context,
  }));
}

/**
 * Whether this run makes its own clusters, known before a test is collected: existing ones have no SOCKS entry, so that
 * no pod of theirs can be talked to from here.
 */
export function runsOnEmbedded(): boolean {
  return existingClusters() === undefined;
}

/**
 * Clusters, embedded or real, joined to one clusterset by the program's own verbs: CRDs, tokens, join, broker,
 * controllers, DNS. The tests cannot tell which kind they run on, except that only embedded ones carry traffic.
 */
export class E2eClusterset {
  readonly clusters: readonly E2eCluster[];
  readonly processes: ClustersetProcesses;
  readonly directory: string;
  readonly members: readonly MemberPlan[];
  readonly #embedded: DemoClusterset | undefined;
  readonly #abort: AbortController;
  /** Namespaces made by tests, removed at the end. */
  readonly #namespaces = new Set<string>();

  private constructor(fields: {
    readonly clusters: readonly E2eCluster[];
    readonly processes: ClustersetProcesses;
    readonly directory: string;
    readonly members: readonly MemberPlan[];
    readonly embedded: DemoClusterset | undefined;
    readonly abort: AbortController;
  }) {
    this.clusters = fields.clusters;
    this.processes = fields.processes;
    this.directory = fields.directory;
    this.members = fields.members;
    this.#embedded = fields.embedded;
    this.#abort = fields.abort;
  }

  /** @param more further arguments of processes of each kind */
  static async start(
    count = 3,
    more: Pick<ClustersetPlan, "brokerArgs" | "controllersArgs" | "dnsArgs"> = {},
  ): Promise<E2eClusterset> {
    const directory = mkdtempSync(join(tmpdir(), "isthmus-e2e-"));
    const abort = new AbortController();
    const deps = { clock: systemClock, random: systemRandom };
    const common = {
      ...{ directory, clusterset: CLUSTERSET, env: process.env, logLevel: "debug" },
      ...more,
    };
    const existing = existingClusters()?.map((member) => ({
      ...member,
      credentials: {
        controllers: {
          kubeconfig: join(directory, `${member.id}-controllers.yaml`),
          context: "e2e",
        },
        dns: { kubeconfig: join(directory, `${member.id}-dns.yaml`), context: "e2e" },
      },
    }));
    const embedded =
      existing === undefined
        ? await DemoClusterset.plan({ ...common, clusters: count }, deps)
        : undefined;
    const members =
      existing ??
      (embedded?.members ?? []).map(({ id, kubeconfig }) => ({ id, kubeconfig, context: id }));
    const processes =
      embedded?.processes ??
      new ClustersetProcesses(
        { ...common, members, ports: await freePorts(portsNeeded(members.length), systemRandom) },
        deps,
      );
    const waiting = { timeoutMs: START_MS, signal: abort.signal };
    processes.broker.start();
    await embedded?.startClusters(waiting);
    await processes.ready(processes.broker, processes.brokerHealthPort, waiting);
    await Promise.all(members.map((member) => prepareMember(member, processes)));
    for (const { controllers, dns } of processes.members) {
      controllers.start();
      dns.start();
    }
    await Promise.all(
      processes.members.flatMap((member) => [
        processes.ready(member.controllers, member.controllersHealthPort, waiting),
        processes.ready(member.dns, member.dnsHealthPort, waiting),
      ]),
    );
    const clusters = members.map((member) => {
      const kube = connectKube(member, process.env, silentMeter);
      if (!kube.ok) throw new Error(kube.error);
      const socksPort = embedded?.members.find(({ id }) => id === member.id)?.socksPort;
      return new E2eCluster({
        id: member.id,
        kube: kube.value.client,
        processes: processes.member(member.id),
        signal: abort.signal,
        ...(socksPort === undefined ? {} : { socksPort }),
      });
    });
    return new E2eClusterset({ clusters, processes, directory, members, embedded, abort });
  }

  get isEmbedded(): boolean {
    return this.#embedded !== undefined;
  }

  get signal(): AbortSignal {
    return this.#abort.signal;
  }

  cluster(index: number): E2eCluster {
    const found = this.clusters[index];
    if (found === undefined)
      throw new Error(`this suite needs ${index + 1} clusters: got ${this.clusters.length}`);
    return found;
  }

  /** A namespace that exists nowhere else, in the given clusters (all by default). */
  async namespace(clusters: readonly E2eCluster[] = this.clusters): Promise<string> {
    const name = `e2e-${Math.floor(systemRandom.next() * 1e9).toString(36)}`;
    this.#namespaces.add(name);
    for (const cluster of clusters) await cluster.createNamespace(name);
    return name;
  }

  /** Waits for a state of the world; says what it waited for, and what was there instead, when it does not come. */
  async eventually<T>(
    what: string,
    ask: () => Promise<T>,
    wanted: (state: T) => boolean,
    timeoutMs = 20_000,
  ): Promise<T> {
    let last: T | undefined;
    try {
      return await until(
        what,
        async () => {
          last = await ask();
          return wanted(last) ? { state: last } : undefined;
        },
        { clock: systemClock, timeoutMs, signal: this.signal, everyMs: 20 },
      ).then(({ state }) => state);
    } catch (error) {
      throw new Error(`${what}: last seen ${JSON.stringify(last)}`, { cause: error });
    }
  }

  /** A state of the world that must hold at every look; says what was there instead. */
  async throughout<T>(
    what: string,
    ask: () => Promise<T>,
    wanted: (state: T) => boolean,
    durationMs = 2_000,
  ): Promise<void> {
    const endMs = systemClock.monotonicMs() + durationMs;
    do {
      const state = await ask();
      if (!wanted(state)) throw new Error(`${what}: seen ${JSON.stringify(state)}`);
      await sleep(systemClock, 100, this.signal);
    } while (systemClock.monotonicMs() < endMs);
  }

  async ready(): Promise<void> {
    const waiting = { timeoutMs: START_MS, signal: this.signal };
    await this.processes.ready(this.processes.broker, this.processes.brokerHealthPort, waiting);
    for (const member of this.processes.members) {
      await this.processes.ready(member.controllers, member.controllersHealthPort, waiting);
      await this.processes.ready(member.dns, member.dnsHealthPort, waiting);
    }
  }

  /** Leaves existing clusters as they were, but for our namespace and the CRDs, which other tools may share (CLN-11). */
  async stop(): Promise<void> {
    if (!this.isEmbedded) {
      for (const cluster of this.clusters) {
        for (const namespace of this.#namespaces)
          await cluster.remove(NAMESPACES, undefined, namespace);
      }
    }
    await this.processes.stop();
    if (!this.isEmbedded) {
      for (const cluster of this.clusters) {
        for (const name of [CLUSTERSET_PROPERTY, CLUSTER_ID_PROPERTY]) {
          await cluster.remove(clusterProperties(), undefined, name);
        }
        await removeAccess(cluster);
      }
    }
    this.#abort.abort();
    await this.#embedded?.stop();
    rmSync(this.directory, { recursive: true, force: true });
  }
}

async function prepareMember(member: MemberPlan, processes: ClustersetProcesses): Promise<void> {
  const kube = ["--kubeconfig", member.kubeconfig, "--context", member.context];
  await mustRunCli(["crds", "--apply", ...kube]);
  await installAccess(member);
  await joinMember(member, processes);
}

/** A new token, redeemed: a cluster may come back after it has left. */
export async function joinMember(
  member: MemberPlan,
  processes: ClustersetProcesses,
): Promise<void> {
  const token = await mustRunCli([
    ...["token", "create", "--data-dir", processes.brokerDataDir, "--cluster", member.id],
    ...["--broker", processes.brokerAddress],
  ]);
  const { identityDir } = processes.member(member.id);
  await mustRunCli([
    "join",
    "--cluster-id",
    member.id,
    "--identity-dir",
    identityDir,
    token.trim(),
  ]);
}
