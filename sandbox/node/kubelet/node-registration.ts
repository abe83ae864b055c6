import { type Cidr, formatCidr } from "../../../api/network/cidr.ts";
import { ok, type Result } from "../../../api/result.ts";
import { type BackoffOptions, backoffMs } from "../../../runtime/backoff/backoff.ts";
import type { Clock } from "../../../runtime/clock/clock.ts";
import { sleep } from "../../../runtime/clock/sleep.ts";
import type { KubeClient } from "../../../runtime/kube/kube-client.ts";
import type { KubeError } from "../../../runtime/kube/kube-error.ts";
import type { Logger } from "../../../runtime/log/log.ts";
import type { Random } from "../../../runtime/random/random.ts";
import { NODES, type Node } from "../kinds/node.ts";
import { toRfc3339 } from "../rfc3339.ts";
import { machineFacts } from "./machine-facts.ts";
import { podCapacity } from "./pod-ip-pool.ts";

export interface NodeFacts {
  readonly nodeName: string;
  readonly zone: string;
  /** Primary family first. */
  readonly nodeIps: readonly string[];
  readonly podCidrs: readonly Cidr[];
}

export interface NodeRegistrationDeps {
  readonly kube: Pick<KubeClient, "create" | "mergePatch">;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
}

const RETRY: BackoffOptions = { firstMs: 200, maxMs: 10_000 };

/** Makes the Node object exist and be Ready, as a kubelet does when it starts. A Node that is there keeps its spec. */
export class NodeRegistration {
  readonly #facts: NodeFacts;
  readonly #deps: NodeRegistrationDeps;
  readonly #stopping = new AbortController();
  #running: Promise<void> = Promise.resolve();

  constructor(facts: NodeFacts, deps: NodeRegistrationDeps) {
    this.#facts = facts;
    this.#deps = deps;
  }

  start(): void {
    this.#running = this.#keepTrying().catch((cause: unknown) => {
      this.#deps.log.error("node registration broke", { err: cause });
    });
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#running;
  }

  async #keepTrying(): Promise<void> {
    const { clock, random, log } = this.#deps;
    const { signal } = this.#stopping;
    for (let attempt = 0; !signal.aborted; attempt++) {
      const done = await this.#register(signal);
      if (done.ok || signal.aborted) return;
      log.warn("node not registered", { attempt, err: done.error });
      await sleep(clock, backoffMs(RETRY, attempt, random), signal);
    }
  }

  async #register(signal: AbortSignal): Promise<Result<void, KubeError>> {
    const { kube, clock } = this.#deps;
    const created = await kube.create<Node>(NODES, nodeOf(this.#facts), { signal });
    if (!created.ok && created.error.kind !== "already-exists") return created;
    const target = { resource: NODES, name: this.#facts.nodeName };
    const patch = { status: statusOf(this.#facts, toRfc3339(clock.nowMs())) };
    const patched = await kube.mergePatch<Node>(target, patch, { signal, subresource: "status" });
    return patched.ok ? ok(undefined) : patched;
  }
}

function nodeOf(facts: NodeFacts): Node {
  const podCIDRs = facts.podCidrs.map(formatCidr);
  const [podCIDR] = podCIDRs;
  return {
    apiVersion: "v1",
    kind: "Node",
    metadata: {
      name: facts.nodeName,
      labels: {
        "kubernetes.io/hostname": facts.nodeName,
        "kubernetes.io/os": "linux",
        "topology.kubernetes.io/zone": facts.zone,
      },
    },
    spec: { podCIDRs, ...(podCIDR === undefined ? {} : { podCIDR }) },
  };
}

function statusOf(facts: NodeFacts, now: string): NonNullable<Node["status"]> {
  const { capacity, nodeInfo } = machineFacts(podCapacity(facts.podCidrs));
  return {
    capacity,
    allocatable: capacity,
    nodeInfo,
    addresses: [
      ...facts.nodeIps.map((address) => ({ type: "InternalIP", address })),
      { type: "Hostname", address: facts.nodeName },
    ],
    conditions: [
      {
        type: "Ready",
        status: "True",
        reason: "KubeletReady",
        message: "the sandbox node serves pods",
        lastHeartbeatTime: now,
        lastTransitionTime: now,
      },
    ],
  };
}
