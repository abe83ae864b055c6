import { createHash } from "node:crypto";
import { err, ok, type Result } from "../../../api/result.ts";
import type { Clock } from "../../../runtime/clock/clock.ts";
import type { PodRuntime, PodTask, RunningPodServers } from "../../node/pod-server/pod-runtime.ts";
import { buildPod, removePod } from "./net-commands.ts";
import type { NodePlan, PodPlan } from "./net-plan.ts";
import { PodProcess } from "./pod/pod-process.ts";
import { runCommands } from "./run-commands.ts";

/** One node's pods: each a namespace with one process, behind a link to the node. */
export class NetPods implements PodRuntime {
  readonly #node: NodePlan;
  readonly #mtu: number;
  readonly #clock: Clock;
  /** By `namespace/name`, harness pods by their name. BOUNDED: by the node's pod CIDR. */
  readonly #running = new Map<string, PodProcess>();

  constructor(options: { readonly node: NodePlan; readonly mtu: number }, clock: Clock) {
    this.#node = options.node;
    this.#mtu = options.mtu;
    this.#clock = clock;
  }

  /** The process of a pod that runs here. */
  find(key: string): PodProcess | undefined {
    return this.#running.get(key);
  }

  run(task: PodTask): Promise<Result<RunningPodServers, string>> {
    const { cluster, namespace, pod } = task.identity;
    const key = `${namespace}/${pod}`;
    const plan: PodPlan = {
      namespace: `${cluster}-${namespace}-${pod}`,
      node: this.#node,
      addresses: task.ips,
      // Names of links hold 15 characters.
      link: `v-${createHash("sha256").update(key).digest("hex").slice(0, 12)}`,
    };
    return this.runPlanned(key, plan, task);
  }

  /** A pod that is in no API server. */
  async runPlanned(
    key: string,
    plan: PodPlan,
    task: PodTask,
  ): Promise<Result<RunningPodServers & { readonly process: PodProcess }, string>> {
    try {
      await runCommands(buildPod(plan, this.#mtu));
    } catch (cause) {
      return err(`cannot make the namespace of pod ${key}: ${messageOf(cause)}`);
    }
    const process = new PodProcess(plan.namespace, this.#clock);
    this.#running.set(key, process);
    const stop = async (): Promise<void> => {
      if (this.#running.get(key) === process) this.#running.delete(key);
      await process.stop();
      await runCommands(removePod(plan));
    };
    const served = await process.serve(task);
    if (served.ok) return ok({ process, stop });
    await stop();
    return err(`cannot serve pod ${key}: ${served.error}`);
  }
}

function messageOf(cause: unknown): string {
  return cause instanceof Error ? cause.message : String(cause);
}
