import { DEPLOYMENTS } from "../../../api/kube/deployment.ts";
import type { Result } from "../../../api/result.ts";
import type { Clock } from "../../../runtime/clock/clock.ts";
import type { KubeClient } from "../../../runtime/kube/kube-client.ts";
import type { KubeError } from "../../../runtime/kube/kube-error.ts";
import { type ObjectView, objectKey, type ViewEvent } from "../../../runtime/kube/object-view.ts";
import { type JobOutcome, WorkQueue } from "../../../runtime/kube/queue/work-queue.ts";
import type { Logger } from "../../../runtime/log/log.ts";
import type { Meter } from "../../../runtime/metrics/meter.ts";
import type { Random } from "../../../runtime/random/random.ts";
import type { Deployment } from "../kinds/deployment.ts";
import { isPodTerminating, PODS, type Pod } from "../kinds/pod.ts";
import { nameSuffix } from "../name-suffix.ts";
import { toRfc3339 } from "../rfc3339.ts";
import { waitForView } from "../wait-for-view.ts";
import { deriveDeploymentStatus, isDeploymentStatusCurrent } from "./deployment-status.ts";
import { planRollout, TEMPLATE_HASH_LABEL } from "./plan-rollout.ts";
import { templateHash } from "./template-hash.ts";

export interface DeploymentControllerDeps {
  readonly kube: Pick<KubeClient, "create" | "delete" | "mergePatch">;
  readonly deployments: ObjectView<Deployment>;
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
/** A pod name has at most 253 characters; hash, suffix and two dashes take 17. */
const MAX_BASE = 236;

/** Deployments to Pods, without ReplicaSets in between: create, scale, replace gradually, report. */
export class DeploymentController {
  readonly #deps: DeploymentControllerDeps;
  readonly #queue: WorkQueue;
  readonly #stopping = new AbortController();
  #unsubscribe: readonly (() => void)[] = [];

  constructor(deps: DeploymentControllerDeps) {
    this.#deps = deps;
    this.#queue = new WorkQueue(
      { name: "deployment", concurrency: 4, drainMs: DRAIN_MS },
      (key, signal) => this.#pass(key, signal),
      deps,
    );
  }

  start(): void {
    this.#queue.start(this.#stopping.signal);
    const { deployments, pods } = this.#deps;
    this.#unsubscribe = [
      deployments.subscribe((event) => {
        if (event.kind === "synced") this.#addAll();
        else if (this.#isSynced()) this.#queue.add(event.key);
      }),
      pods.subscribe((event) => {
        if (event.kind === "synced") this.#addAll();
        else if (this.#isSynced()) for (const key of ownersIn(event)) this.#queue.add(key);
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
    return this.#deps.deployments.hasSynced() && this.#deps.pods.hasSynced();
  }

  #addAll(): void {
    if (!this.#isSynced()) return;
    for (const key of this.#deps.deployments.keys()) this.#queue.add(key);
  }

  async #pass(key: string, signal: AbortSignal): Promise<JobOutcome> {
    const deployment = this.#deps.deployments.get(key);
    // Its pods go with it through the API server's garbage collection.
    if (deployment === undefined || deployment.metadata.deletionTimestamp !== undefined)
      return DONE;
    const pods = this.#podsOf(deployment);
    const hash = templateHash(deployment.spec.template);
    if (deployment.spec.paused !== true) {
      const failure = await this.#roll(deployment, pods, hash, signal);
      if (failure !== undefined) return { kind: "failed", error: failure };
    }
    return this.#report(deployment, hash, signal);
  }

  #podsOf(deployment: Deployment): readonly Pod[] {
    const { uid } = deployment.metadata;
    return [...this.#deps.pods.values()].filter((pod) =>
      pod.metadata.ownerReferences?.some((owner) => owner.controller === true && owner.uid === uid),
    );
  }

  /** Resolves once the view shows what was done; to a message when something failed. */
  async #roll(
    deployment: Deployment,
    pods: readonly Pod[],
    hash: string,
    signal: AbortSignal,
  ): Promise<string | undefined> {
    const plan = planRollout(deployment, pods, hash);
    const count = Math.min(plan.create, MAX_BURST);
    const wanted = Array.from({ length: count }, () => this.#newPod(deployment, hash));
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

  #newPod(deployment: Deployment, hash: string): Pod {
    const { template } = deployment.spec;
    const { name, namespace, uid = "" } = deployment.metadata;
    const { annotations } = template.metadata ?? {};
    return {
      apiVersion: "v1",
      kind: "Pod",
      metadata: {
        name: `${name.slice(0, MAX_BASE)}-${hash}-${nameSuffix(this.#deps.random)}`,
        ...(namespace === undefined ? {} : { namespace }),
        labels: { ...template.metadata?.labels, [TEMPLATE_HASH_LABEL]: hash },
        ...(annotations === undefined ? {} : { annotations }),
        ownerReferences: [
          {
            apiVersion: "apps/v1",
            kind: "Deployment",
            name,
            uid,
            controller: true,
            blockOwnerDeletion: true,
          },
        ],
      },
      spec: template.spec,
    };
  }

  #remove(pod: Pod, signal: AbortSignal): Promise<Result<void, KubeError>> {
    const { name, namespace, uid } = pod.metadata;
    const target = { resource: PODS, name, ...(namespace === undefined ? {} : { namespace }) };
    return this.#deps.kube.delete(target, uid === undefined ? {} : { uid }, { signal });
  }

  async #report(deployment: Deployment, hash: string, signal: AbortSignal): Promise<JobOutcome> {
    const now = toRfc3339(this.#deps.clock.nowMs());
    const status = deriveDeploymentStatus(deployment, this.#podsOf(deployment), hash, now);
    if (isDeploymentStatusCurrent(deployment, status)) return DONE;
    const { name, namespace } = deployment.metadata;
    const target = {
      resource: DEPLOYMENTS,
      name,
      ...(namespace === undefined ? {} : { namespace }),
    };
    const options = { signal, subresource: "status" } as const;
    const written = await this.#deps.kube.mergePatch<Deployment>(target, { status }, options);
    if (written.ok || written.error.kind === "not-found") return DONE;
    return { kind: "failed", error: `cannot write deployment status: ${written.error.message}` };
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

function ownersIn(event: ViewEvent<Pod>): readonly string[] {
  if (event.kind === "synced") return [];
  const pods = [event.before, event.after].filter((pod) => pod !== undefined);
  const keys = pods.flatMap((pod) =>
    (pod.metadata.ownerReferences ?? [])
      .filter((owner) => owner.controller === true && owner.kind === "Deployment")
      .map((owner) => `${pod.metadata.namespace ?? ""}/${owner.name}`),
  );
  return [...new Set(keys)];
}
