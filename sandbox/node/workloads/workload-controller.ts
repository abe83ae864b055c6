import type { Result } from "../../../api/result.ts";
import type { Clock } from "../../../runtime/clock/clock.ts";
import type { KubeClient } from "../../../runtime/kube/kube-client.ts";
import type { KubeError } from "../../../runtime/kube/kube-error.ts";
import { type ObjectView, objectKey, type ViewEvent } from "../../../runtime/kube/object-view.ts";
import { type JobOutcome, WorkQueue } from "../../../runtime/kube/queue/work-queue.ts";
import type { Logger } from "../../../runtime/log/log.ts";
import type { Meter } from "../../../runtime/metrics/meter.ts";
import type { Random } from "../../../runtime/random/random.ts";
import { isPodTerminating, PODS, type Pod } from "../kinds/pod.ts";
import { toRfc3339 } from "../rfc3339.ts";
import { waitForView } from "../wait-for-view.ts";
import { templateHash } from "./template-hash.ts";
import type { Workload, WorkloadKind } from "./workload-kind.ts";

export interface WorkloadControllerDeps {
  readonly kube: Pick<KubeClient, "create" | "delete" | "mergePatch">;
  readonly pods: ObjectView<Pod>;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
  readonly meter: Meter;
}

/** How long passes under way may go on after a stop. */
const DRAIN_MS = 500;
const DONE: JobOutcome = { kind: "done" };
/** BOUNDED: pods created in one pass; the rest follow in the next ones. */
const MAX_BURST = 50;

/** Workloads of one kind to Pods: what its step says is written, and what has become of it reported. */
export class WorkloadController<W extends Workload> {
  readonly #kind: WorkloadKind<W>;
  readonly #workloads: ObjectView<W>;
  readonly #deps: WorkloadControllerDeps;
  readonly #queue: WorkQueue;
  readonly #stopping = new AbortController();
  #unsubscribe: readonly (() => void)[] = [];

  constructor(kind: WorkloadKind<W>, workloads: ObjectView<W>, deps: WorkloadControllerDeps) {
    this.#kind = kind;
    this.#workloads = workloads;
    this.#deps = deps;
    this.#queue = new WorkQueue(
      { name: kind.resource.kind.toLowerCase(), concurrency: 4, drainMs: DRAIN_MS },
      (key, signal) => this.#pass(key, signal),
      deps,
    );
  }

  start(): void {
    this.#queue.start(this.#stopping.signal);
    this.#unsubscribe = [
      this.#workloads.subscribe((event) => {
        if (event.kind === "synced") this.#addAll();
        else if (this.#isSynced()) this.#queue.add(event.key);
      }),
      this.#deps.pods.subscribe((event) => {
        if (event.kind === "synced") this.#addAll();
        else if (this.#isSynced()) for (const key of this.#ownersIn(event)) this.#queue.add(key);
      }),
    ];
    this.#addAll();
  }

  async stop(): Promise<void> {
    for (const unsubscribe of this.#unsubscribe) unsubscribe();
    this.#stopping.abort();
    await this.#queue.stopped();
  }

  #isSynced(): boolean {
    return this.#workloads.hasSynced() && this.#deps.pods.hasSynced();
  }

  #addAll(): void {
    if (!this.#isSynced()) return;
    for (const key of this.#workloads.keys()) this.#queue.add(key);
  }

  async #pass(key: string, signal: AbortSignal): Promise<JobOutcome> {
    const workload = this.#workloads.get(key);
    // Its pods go with it through the API server's garbage collection.
    if (workload === undefined || workload.metadata.deletionTimestamp !== undefined) return DONE;
    const hash = templateHash(workload.spec.template);
    const failure = await this.#step(workload, hash, signal);
    if (failure !== undefined) return { kind: "failed", error: failure };
    return this.#report(workload, hash, signal);
  }

  #podsOf(workload: W): readonly Pod[] {
    const { uid } = workload.metadata;
    return [...this.#deps.pods.values()].filter((pod) =>
      pod.metadata.ownerReferences?.some((owner) => owner.controller === true && owner.uid === uid),
    );
  }

  /** Resolves once the view shows what was done; to a message when something failed. */
  async #step(workload: W, hash: string, signal: AbortSignal): Promise<string | undefined> {
    const plan = this.#kind.step(workload, this.#podsOf(workload), hash, this.#deps.random);
    const wanted = plan.create.slice(0, MAX_BURST);
    const [created, removed] = await Promise.all([
      Promise.all(wanted.map((pod) => this.#deps.kube.create<Pod>(PODS, pod, { signal }))),
      Promise.all(plan.remove.map((pod) => this.#remove(pod, signal))),
    ]);
    const shown = created.flatMap((result) => (result.ok ? [objectKey(result.value)] : []));
    await waitForView(
      this.#deps.pods,
      (view) =>
        shown.every((key) => view.get(key) !== undefined) &&
        plan.remove.every((pod, i) => removed[i]?.ok !== true || isGoing(view, pod)),
      this.#deps.clock,
      signal,
    );
    return firstFailure([...created, ...removed]);
  }

  #remove(pod: Pod, signal: AbortSignal): Promise<Result<void, KubeError>> {
    const { name, namespace, uid } = pod.metadata;
    const target = { resource: PODS, name, ...(namespace === undefined ? {} : { namespace }) };
    return this.#deps.kube.delete(target, uid === undefined ? {} : { uid }, { signal });
  }

  async #report(workload: W, hash: string, signal: AbortSignal): Promise<JobOutcome> {
    const now = toRfc3339(this.#deps.clock.nowMs());
    const status = this.#kind.status(workload, this.#podsOf(workload), hash, now);
    if (status === undefined) return DONE;
    const { resource } = this.#kind;
    const { name, namespace } = workload.metadata;
    const target = { resource, name, ...(namespace === undefined ? {} : { namespace }) };
    const options = { signal, subresource: "status" } as const;
    const written = await this.#deps.kube.mergePatch<W>(target, { status }, options);
    if (written.ok || written.error.kind === "not-found") return DONE;
    const what = `status of ${resource.plural}`;
    return { kind: "failed", error: `cannot write ${what}: ${written.error.message}` };
  }

  #ownersIn(event: ViewEvent<Pod>): readonly string[] {
    if (event.kind === "synced") return [];
    const pods = [event.before, event.after].filter((pod) => pod !== undefined);
    const keys = pods.flatMap((pod) =>
      (pod.metadata.ownerReferences ?? [])
        .filter((owner) => owner.controller === true && owner.kind === this.#kind.resource.kind)
        .map((owner) => `${pod.metadata.namespace ?? ""}/${owner.name}`),
    );
    return [...new Set(keys)];
  }
}

function isGoing(view: ObjectView<Pod>, pod: Pod): boolean {
  const now = view.get(objectKey(pod));
  return now?.metadata.uid !== pod.metadata.uid || now === undefined || isPodTerminating(now);
}

function firstFailure(results: readonly Result<unknown, KubeError>[]): string | undefined {
  for (const result of results) {
    const isFine =
      result.ok ||
      result.error.kind === "not-found" ||
      result.error.kind === "conflict" ||
      result.error.kind === "namespace-terminating";
    if (!isFine) return result.error.message;
  }
  return undefined;
}
