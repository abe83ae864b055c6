import { mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import type { Clock } from "../../runtime/clock/clock.ts";
import type { NodePlan } from "../network/netns/net-plan.ts";
import { mustRunIn, within } from "../network/netns/run-commands.ts";
import {
  ManagedProcess,
  type ManagedProcessDeps,
  programLine,
} from "../process/managed-process.ts";
import { until } from "../process/until.ts";
import type { Waiting } from "./clusterset-processes.ts";
import { askHealth } from "./health.ts";
import type { NetCluster } from "./net-clusterset.ts";

/** The program's processes on nodes of network namespaces: what the DaemonSets would run there. */
export type NodeVerb = "node-agent" | "gateway";

export interface NetNodeProcessesOptions {
  /** Receives the processes' logs and, for each node, what they keep on it. */
  readonly directory: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly logLevel?: string;
}

const HEALTH_PORTS: Readonly<Record<NodeVerb, number>> = { "node-agent": 8086, gateway: 8087 };

export class NetNodeProcesses {
  readonly #options: NetNodeProcessesOptions;
  readonly #deps: ManagedProcessDeps & { readonly clock: Clock };
  /** By verb and namespace. BOUNDED: by the nodes. */
  readonly #processes = new Map<string, ManagedProcess>();

  constructor(
    options: NetNodeProcessesOptions,
    deps: ManagedProcessDeps & { readonly clock: Clock },
  ) {
    this.#options = options;
    this.#deps = deps;
    mkdirSync(join(options.directory, "logs"), { recursive: true });
  }

  find(verb: NodeVerb, node: NodePlan): ManagedProcess {
    const found = this.#processes.get(keyOf(verb, node));
    if (found === undefined) throw new Error(`no ${verb} on ${node.namespace}`);
    return found;
  }

  /** Also after a kill or a reboot. Does nothing if it runs. */
  start(verb: NodeVerb, cluster: NetCluster, node: NodePlan): void {
    const key = keyOf(verb, node);
    const process = this.#processes.get(key) ?? this.#make(verb, cluster, node);
    this.#processes.set(key, process);
    if (!process.isRunning) process.start();
  }

  /** Resolves once all that have been started on a node say that they are ready. */
  async ready(node: NodePlan, waiting: Waiting): Promise<void> {
    for (const verb of ["node-agent", "gateway"] as const) {
      const process = this.#processes.get(keyOf(verb, node));
      if (process !== undefined) await this.#ready(process, verb, node, waiting);
    }
  }

  /** As a loss of power does it: what the node's memory held goes too. */
  async kill(node: NodePlan): Promise<void> {
    await Promise.all(this.#on(node).map((process) => process.kill()));
    rmSync(this.#stateDir(node), { recursive: true, force: true });
  }

  /** What a person does to remove a node's part of the data path: stops the processes, then lets each clean up. */
  async cleanUp(cluster: NetCluster, node: NodePlan): Promise<void> {
    for (const verb of ["gateway", "node-agent"] as const) {
      const process = this.#processes.get(keyOf(verb, node));
      if (process === undefined) continue;
      await process.stop();
      await mustRunIn(
        node.namespace,
        programLine([verb, "--cleanup", ...this.#flags(cluster, node)]),
      );
    }
  }

  /** What /metrics of a process says. */
  async metrics(verb: NodeVerb, { managementAddress }: NodePlan): Promise<string> {
    return (await fetch(`http://${managementAddress}:${HEALTH_PORTS[verb]}/metrics`)).text();
  }

  async stop(): Promise<void> {
    await Promise.all([...this.#processes.values()].map((process) => process.stop()));
  }

  async #ready(
    process: ManagedProcess,
    verb: NodeVerb,
    node: NodePlan,
    waiting: Waiting,
  ): Promise<void> {
    const { clock } = this.#deps;
    let last = "it does not answer";
    try {
      await until(
        `${process.name} to be ready`,
        async () => {
          const health = await askHealth(HEALTH_PORTS[verb], clock, node.managementAddress);
          if (health.kind === "not-ready") last = health.why;
          return health.kind === "ready" && process.isRunning ? true : undefined;
        },
        { clock, ...waiting },
      );
    } catch (cause) {
      throw new Error(`${process.name} is not ready: ${last}\n${process.logTail(20)}`, { cause });
    }
  }

  #on(node: NodePlan): readonly ManagedProcess[] {
    return (["node-agent", "gateway"] as const).flatMap(
      (verb) => this.#processes.get(keyOf(verb, node)) ?? [],
    );
  }

  #make(verb: NodeVerb, cluster: NetCluster, node: NodePlan): ManagedProcess {
    const { directory, env, logLevel = "info" } = this.#options;
    const name = `${node.namespace}-${verb}`;
    return new ManagedProcess(
      {
        name,
        args: [
          ...[verb, ...this.#flags(cluster, node), "--log-level", logLevel],
          ...["--health-listen", `${node.managementAddress}:${HEALTH_PORTS[verb]}`],
        ],
        logFile: join(directory, "logs", `${name}.log`),
        restart: false,
        env,
        within: within(node.namespace, []),
      },
      this.#deps,
    );
  }

  #flags({ plan, kubeconfig }: NetCluster, node: NodePlan): readonly string[] {
    return [
      ...["--kubeconfig", kubeconfig, "--context", plan.id, "--node", node.name],
      ...["--state-dir", this.#stateDir(node)],
    ];
  }

  #stateDir({ namespace }: NodePlan): string {
    return join(this.#options.directory, namespace);
  }
}

/** A node agent and a gateway on every node of every cluster; controllers choose which gateways work. */
export function startOnAllNodes(
  processes: NetNodeProcesses,
  clusters: readonly NetCluster[],
): void {
  for (const cluster of clusters) {
    for (const node of cluster.plan.nodes) {
      processes.start("node-agent", cluster, node);
      processes.start("gateway", cluster, node);
    }
  }
}

function keyOf(verb: NodeVerb, { namespace }: NodePlan): string {
  return `${verb} ${namespace}`;
}
