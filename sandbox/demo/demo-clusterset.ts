import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Clock } from "../../runtime/clock/clock.ts";
import type { Random } from "../../runtime/random/random.ts";
import {
  type ClustersetPlan,
  ClustersetProcesses,
  portsNeeded,
  type Waiting,
} from "../clusterset/clusterset-processes.ts";
import { askHealth } from "../clusterset/health.ts";
import { freePorts } from "../process/free-ports.ts";
import { ManagedProcess, type ManagedProcessDeps } from "../process/managed-process.ts";
import { until } from "../process/until.ts";
import { type DemoMember, demoMembers, PORTS_PER_MEMBER, peersOf } from "./demo-plan.ts";
import { demoProxy } from "./demo-proxy.ts";

export interface DemoClustersetOptions
  extends Pick<ClustersetPlan, "brokerArgs" | "controllersArgs" | "dnsArgs"> {
  readonly clusters: number;
  readonly directory: string;
  readonly clusterset: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly logLevel?: string;
  /** Members reach each other through proxies. @default as the pods' network routes */
  readonly hasProxies?: boolean;
}

type Deps = ManagedProcessDeps & { readonly clock: Clock; readonly random: Random };

/** Embedded clusters, one process each, and around them the processes that make them a clusterset. */
export class DemoClusterset {
  readonly members: readonly DemoMember[];
  readonly clusters: readonly ManagedProcess[];
  readonly processes: ClustersetProcesses;
  /** In the order of the members; none where they reach each other by routing. */
  readonly proxies: readonly ManagedProcess[];
  readonly kubeconfig: string;
  readonly #clock: Clock;

  private constructor(fields: {
    readonly members: readonly DemoMember[];
    readonly clusters: readonly ManagedProcess[];
    readonly processes: ClustersetProcesses;
    readonly proxies: readonly ManagedProcess[];
    readonly kubeconfig: string;
    readonly clock: Clock;
  }) {
    this.members = fields.members;
    this.clusters = fields.clusters;
    this.processes = fields.processes;
    this.proxies = fields.proxies;
    this.kubeconfig = fields.kubeconfig;
    this.#clock = fields.clock;
  }

  /** Decides ports and addresses; starts nothing yet. */
  static async plan(options: DemoClustersetOptions, deps: Deps): Promise<DemoClusterset> {
    const { directory, clusters: count } = options;
    const own = portsNeeded(count);
    // All at once: two draws could give the same port twice.
    const ports = await freePorts(own + count * PORTS_PER_MEMBER, deps.random);
    const members = demoMembers(count, directory, ports.slice(own));
    const processes = new ClustersetProcesses(
      {
        ...options,
        ports: ports.slice(0, own),
        members: members.map(({ id, kubeconfig, podCidr }) => ({
          id,
          kubeconfig,
          context: id,
          ...(options.hasProxies === true && {
            controllersArgs: ["--backends", "proxy", "--cidrs", podCidr],
          }),
        })),
      },
      deps,
    );
    const clusters = members.map((member) => {
      mkdirSync(join(directory, member.id), { recursive: true });
      return new ManagedProcess(
        {
          name: member.id,
          args: [
            ...clusterArgs(member, processes.member(member.id).dnsPort),
            ...(options.hasProxies === true
              ? ["--doors", member.doors, "--outside", member.proxyIp]
              : ["--peers", peersOf(member, members).join(",")]),
          ],
          logFile: join(directory, "logs", `${member.id}.log`),
          // Its objects live in its memory: coming back empty would look like a mass deletion.
          restart: false,
          env: options.env,
        },
        deps,
      );
    });
    const kubeconfig = join(directory, "kubeconfig");
    const proxies =
      options.hasProxies === true
        ? members.map((member) => demoProxy(member, { ...options, members, processes }, deps))
        : [];
    const { clock } = deps;
    return new DemoClusterset({ members, clusters, processes, proxies, kubeconfig, clock });
  }

  /** The embedded clusters and the broker, which need nothing from each other. */
  async startClusters(waiting: Waiting): Promise<void> {
    for (const cluster of this.clusters) cluster.start();
    await Promise.all(
      this.members.map(async (member, index) => {
        await until(
          `${member.id} to be ready`,
          async () =>
            (await askHealth(member.healthPort, this.#clock)).kind === "ready" ? true : undefined,
          { clock: this.#clock, ...waiting },
        ).catch((error: unknown) => {
          const tail = this.clusters[index]?.logTail() ?? "";
          throw new Error(`${member.id} did not start\n${tail}`, { cause: error });
        });
      }),
    );
  }

  /** A process of ours comes back by itself; an embedded cluster, which lives in memory, does not. */
  isRestarted(name: string): boolean {
    const ours = [...this.processes.processes, ...this.proxies];
    return ours.some((process) => process.name === name);
  }

  writeKubeconfig(text: string): void {
    writeFileSync(this.kubeconfig, text, { mode: 0o600 });
  }

  async stop(): Promise<void> {
    await Promise.all(this.proxies.map((proxy) => proxy.stop()));
    await this.processes.stop();
    await Promise.all(this.clusters.map((cluster) => cluster.stop()));
  }
}

function clusterArgs(member: DemoMember, dnsPort: number): readonly string[] {
  const at = (port: number): string => `127.0.0.1:${port}`;
  return [
    ...["sandbox-member", "--name", member.id],
    ...["--pod-cidrs", member.podCidr, "--service-cidrs", member.serviceCidr],
    ...["--api-listen", at(member.apiPort), "--socks-listen", at(member.socksPort)],
    ...["--fabric-listen", at(member.fabricPort), "--health-listen", at(member.healthPort)],
    ...["--dns", at(dnsPort), "--kubeconfig-out", member.kubeconfig],
  ];
}
