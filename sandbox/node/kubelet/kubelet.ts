import { err, ok, type Result } from "../../../api/result.ts";
import type { Clock } from "../../../runtime/clock/clock.ts";
import { type KubeClient, refOf } from "../../../runtime/kube/kube-client.ts";
import { type ObjectView, objectKey } from "../../../runtime/kube/object-view.ts";
import { type JobOutcome, WorkQueue } from "../../../runtime/kube/queue/work-queue.ts";
import type { Logger } from "../../../runtime/log/log.ts";
import type { Meter } from "../../../runtime/metrics/meter.ts";
import type { Random } from "../../../runtime/random/random.ts";
import { isPodTerminating, PODS, type Pod, podIpsOf } from "../kinds/pod.ts";
import type { PodRuntime, RunningPodServers } from "../pod-server/pod-runtime.ts";
import { toRfc3339 } from "../rfc3339.ts";
import type { PodIpPool } from "./pod-ip-pool.ts";
import { podPortsOf } from "./pod-ports.ts";
import { derivePodStatus, isStatusCurrent } from "./pod-status.ts";

export interface KubeletOptions {
  readonly cluster: string;
  readonly nodeName: string;
  readonly nodeIp: string;
  readonly terminationGraceMs: number;
  /** Which Pods without a node come to this one. @default all: it is the only one there is */
  readonly takes?: (pod: Pod) => boolean;
}

export interface KubeletDeps {
  readonly kube: Pick<KubeClient, "mergePatch" | "delete">;
  readonly pods: ObjectView<Pod>;
  /** One for each family of the member, primary first. */
  readonly pools: readonly PodIpPool[];
  readonly runtime: PodRuntime;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
  readonly meter: Meter;
}

interface RunningPod {
  readonly uid: string;
  readonly ips: readonly string[];
  readonly servers: RunningPodServers;
  stopAtMs?: number;
}

/** How long passes under way may go on after a stop. */
const DRAIN_MS = 500;
const DONE: JobOutcome = { kind: "done" };
const DEFAULT_GRACE_SECONDS = 30;

/** The node's agent: every Pod of this member gets addresses, running servers and a true status, and is let go in peace. */
export class Kubelet {
  readonly #options: KubeletOptions;
  readonly #deps: KubeletDeps;
  readonly #queue: WorkQueue;
  readonly #stopping = new AbortController();
  /** By pod key. BOUNDED: by the pools' addresses. */
  readonly #running = new Map<string, RunningPod>();
  /** Those that do not run yet, by pod key. BOUNDED: by the queue's concurrency. */
  readonly #beginning = new Map<string, AbortController>();
  #unsubscribe: () => void = () => undefined;

  constructor(options: KubeletOptions, deps: KubeletDeps) {
    this.#options = options;
    this.#deps = deps;
    this.#queue = new WorkQueue(
      { name: "kubelet", concurrency: 8, drainMs: DRAIN_MS },
      (key, signal) => this.#pass(key, signal),
      deps,
    );
  }

  /** Pods that have addresses get theirs back before anyone else is given one. */
  start(): void {
    this.#queue.start(this.#stopping.signal);
    const { pods } = this.#deps;
    const begin = (): void => {
      for (const pod of pods.values()) this.#claimed(pod);
      for (const key of pods.keys()) this.#queue.add(key);
    };
    this.#unsubscribe = pods.subscribe((event) => {
      if (event.kind === "synced") begin();
      else if (pods.hasSynced()) this.#onChange(event.key, event.before, event.after);
    });
    if (pods.hasSynced()) begin();
  }

  /** Stops the servers; the Pods stay in the API server, to be adopted at the next start. */
  async stop(): Promise<void> {
    this.#unsubscribe();
    this.#stopping.abort();
    await this.#queue.stopped();
    await Promise.all([...this.#running.keys()].map((key) => this.#halt(key)));
  }

  #onChange(key: string, before: Pod | undefined, after: Pod | undefined): void {
    // Addresses that were claimed for a Pod which vanished before it ran.
    const isLost = before !== undefined && after?.metadata.uid !== before.metadata.uid;
    if (isLost && !this.#running.has(key)) {
      this.#release(podIpsOf(before), before.metadata.uid ?? key);
    }
    // The pass that starts it holds the key: this one would wait for that.
    if (isLost || (after !== undefined && isPodTerminating(after)))
      this.#beginning.get(key)?.abort();
    this.#queue.add(key);
  }

  async #pass(key: string, signal: AbortSignal): Promise<JobOutcome> {
    const pod = this.#deps.pods.get(key);
    const running = this.#running.get(key);
    if (running !== undefined && running.uid !== pod?.metadata.uid) await this.#halt(key);
    if (pod === undefined || !this.#isOurs(pod)) return DONE;
    if (isPodTerminating(pod)) return this.#terminate(key, pod, signal);
    if (pod.status?.phase === "Succeeded" || pod.status?.phase === "Failed") {
      await this.#halt(key);
      return DONE;
    }
    return this.#run(key, pod, signal);
  }

  /** A Pod without a node is bound to ours if we take it. */
  #isOurs(pod: Pod): boolean {
    const { nodeName, takes = () => true } = this.#options;
    return (pod.spec.nodeName ?? "") === "" ? takes(pod) : pod.spec.nodeName === nodeName;
  }

  async #run(key: string, pod: Pod, signal: AbortSignal): Promise<JobOutcome> {
    if ((pod.spec.nodeName ?? "") === "") {
      const patch = { spec: { nodeName: this.#options.nodeName } };
      const bound = await this.#deps.kube.mergePatch<Pod>(refOf(PODS, pod), patch, { signal });
      // The change comes back as an event.
      if (bound.ok || bound.error.kind === "not-found") return DONE;
      return { kind: "failed", error: `cannot bind to the node: ${bound.error.message}` };
    }
    const started = await this.#ensureServers(key, pod);
    if (!started.ok) return { kind: "failed", error: started.error };
    const status = derivePodStatus(pod, {
      podIps: started.value.ips,
      hostIp: this.#options.nodeIp,
      now: toRfc3339(this.#deps.clock.nowMs()),
    });
    if (isStatusCurrent(pod, status)) return DONE;
    const options = { signal, subresource: "status" } as const;
    const written = await this.#deps.kube.mergePatch<Pod>(refOf(PODS, pod), { status }, options);
    if (written.ok || written.error.kind === "not-found") return DONE;
    return { kind: "failed", error: `cannot write pod status: ${written.error.message}` };
  }

  async #ensureServers(key: string, pod: Pod): Promise<Result<RunningPod, string>> {
    const present = this.#running.get(key);
    if (present !== undefined) return ok(present);
    const uid = pod.metadata.uid ?? key;
    const ips = this.#addressesFor(pod);
    if (!ips.ok) return ips;
    const [podIp = ""] = ips.value;
    const identity = {
      cluster: this.#options.cluster,
      node: this.#options.nodeName,
      namespace: pod.metadata.namespace ?? "",
      pod: pod.metadata.name,
      podIp,
    };
    const { containers, volumes = [] } = pod.spec;
    const beginning = new AbortController();
    this.#beginning.set(key, beginning);
    const servers = await this.#deps.runtime.run({
      ...{ identity, ips: ips.value, ports: podPortsOf(pod), containers, volumes },
      signal: AbortSignal.any([beginning.signal, this.#stopping.signal]),
    });
    this.#beginning.delete(key);
    if (!servers.ok) {
      this.#release(ips.value, uid);
      return servers;
    }
    const running: RunningPod = { uid, ips: ips.value, servers: servers.value };
    this.#running.set(key, running);
    this.#deps.log.debug("pod started", { key, podIp });
    return ok(running);
  }

  #addressesFor(pod: Pod): Result<readonly string[], string> {
    const claimed = this.#claimed(pod);
    if (claimed !== undefined) return ok(claimed);
    const uid = pod.metadata.uid ?? objectKey(pod);
    const ips = this.#deps.pools.flatMap((pool) => pool.allocate(uid) ?? []);
    if (ips.length === this.#deps.pools.length) return ok(ips);
    this.#release(ips, uid);
    return err("cannot give the pod an address: the pod CIDR is used up");
  }

  /** The addresses that the Pod's status says it has, if it can (still) have them all. */
  #claimed(pod: Pod): readonly string[] | undefined {
    const { pools } = this.#deps;
    const ips = podIpsOf(pod);
    const uid = pod.metadata.uid ?? objectKey(pod);
    if (ips.length !== pools.length || isOver(pod) || isPodTerminating(pod)) return undefined;
    if (!this.#isOurs(pod)) return undefined;
    const isClaimed = ips.every((ip, i) => pools[i]?.claim(ip, uid));
    if (isClaimed) return ips;
    this.#release(ips, uid);
    return undefined;
  }

  /** Serves until its grace period ends, as a server that drains does; then the Pod may go. */
  async #terminate(key: string, pod: Pod, signal: AbortSignal): Promise<JobOutcome> {
    const running = this.#running.get(key);
    if (running !== undefined) {
      const nowMs = this.#deps.clock.monotonicMs();
      running.stopAtMs ??= nowMs + this.#graceMs(pod);
      if (running.stopAtMs > nowMs)
        return { kind: "again-after", delayMs: running.stopAtMs - nowMs };
      await this.#halt(key);
    }
    const { uid } = pod.metadata;
    const preconditions = uid === undefined ? {} : { uid };
    const gone = await this.#deps.kube.delete(refOf(PODS, pod), preconditions, {
      signal,
      gracePeriodSeconds: 0,
    });
    // A conflict means another Pod has the name by now: ours is gone.
    if (gone.ok || gone.error.kind === "not-found" || gone.error.kind === "conflict") return DONE;
    return { kind: "failed", error: `cannot finish deletion: ${gone.error.message}` };
  }

  #graceMs(pod: Pod): number {
    const seconds = pod.spec.terminationGracePeriodSeconds ?? DEFAULT_GRACE_SECONDS;
    return Math.min(seconds * 1000, this.#options.terminationGraceMs);
  }

  async #halt(key: string): Promise<void> {
    const running = this.#running.get(key);
    if (running === undefined) return;
    this.#running.delete(key);
    await running.servers.stop();
    this.#release(running.ips, running.uid);
    this.#deps.log.debug("pod stopped", { key });
  }

  #release(ips: readonly string[], uid: string): void {
    for (const ip of ips) for (const pool of this.#deps.pools) pool.release(ip, uid);
  }
}

function isOver(pod: Pod): boolean {
  return pod.status?.phase === "Succeeded" || pod.status?.phase === "Failed";
}
