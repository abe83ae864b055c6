import { type JsonRecord } from "../../api/json.ts";
import { apiVersionOf, type KubeObject } from "../../api/kube/object.ts";
import { LABEL_MANAGED_BY, MANAGED_BY } from "../../api/mcs/labels.ts";
import { SLICES } from "../../api/network/resources.ts";
import { documentOf, type SliceDocument } from "../../api/slices/parse-slice.ts";
import type { Slice } from "../../api/slices/slice.ts";
import type { SliceLink } from "../../broker/client/slice-link.ts";
import type { Clock } from "../../runtime/clock/clock.ts";
import type { KubeClient } from "../../runtime/kube/kube-client.ts";
import { type JobOutcome, WorkQueue } from "../../runtime/kube/queue/work-queue.ts";
import { Reflector } from "../../runtime/kube/reflector/reflector.ts";
import type { Logger } from "../../runtime/log/log.ts";
import type { Meter } from "../../runtime/metrics/meter.ts";
import type { Random } from "../../runtime/random/random.ts";
import { isOwn } from "../reconcile/is-own.ts";
import { mergeDiff } from "../reconcile/merge-diff.ts";
import { OwnObjects } from "../reconcile/own-objects.ts";

export interface SlicePublisherDeps {
  readonly client: KubeClient;
  readonly link: SliceLink;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
  readonly meter: Meter;
}

/**
 * Keeps one Slice object for each slice that the hub says this cluster is in, for gateways and DNS servers. What somebody
 * else changes is put back: the hub's policy is the authority. Until the broker has told, nothing is touched (I6, I7).
 */
export class SlicePublisher {
  readonly #deps: SlicePublisherDeps;
  readonly #objects: OwnObjects;
  readonly #reflector: Reflector<KubeObject>;
  readonly #queue: WorkQueue;

  constructor(deps: SlicePublisherDeps) {
    this.#deps = deps;
    this.#objects = new OwnObjects(deps.client);
    this.#reflector = new Reflector<KubeObject>({ resource: SLICES }, deps);
    this.#queue = new WorkQueue(
      { name: "slices", concurrency: 1 },
      (name, signal) => this.#publish(name, signal),
      deps,
    );
  }

  /** Nothing waits to be written. */
  get idle(): boolean {
    return this.#queue.idle;
  }

  /** Runs until the signal aborts; what was written stays (CLN-10). */
  async run(signal: AbortSignal): Promise<void> {
    this.#reflector.start(signal);
    if (!(await this.#reflector.synced(signal))) return;
    const unsubscribe = [
      this.#reflector.view.subscribe((event) => {
        if (event.kind === "changed") this.#queue.add(event.key);
      }),
      this.#deps.link.subscribe(({ kind }) => {
        if (kind === "slices-changed") this.#lookAgain();
      }),
    ];
    this.#lookAgain();
    this.#queue.start(signal);
    await this.#queue.stopped();
    for (const stop of unsubscribe) stop();
  }

  #lookAgain(): void {
    for (const { name } of this.#deps.link.slices()?.slices ?? []) this.#queue.add(name);
    for (const name of this.#reflector.view.keys()) this.#queue.add(name);
  }

  async #publish(name: string, signal: AbortSignal): Promise<JobOutcome> {
    const told = this.#deps.link.slices();
    if (told === undefined) return DONE;
    const known = this.#reflector.view.get(name);
    const slice = told.slices.find((candidate) => candidate.name === name);
    if (slice !== undefined) return this.#write(slice, known, signal);
    if (known === undefined) return DONE;
    const removed = await this.#objects.remove(SLICES, known, signal);
    return removed.ok ? DONE : { kind: "failed", error: removed.error };
  }

  async #write(
    slice: Slice,
    known: KubeObject | undefined,
    signal: AbortSignal,
  ): Promise<JobOutcome> {
    const object = {
      apiVersion: apiVersionOf(SLICES),
      kind: SLICES.kind,
      metadata: { name: slice.name, labels: { [LABEL_MANAGED_BY]: MANAGED_BY } },
      spec: documentOf(slice),
    };
    const written =
      known === undefined
        ? await this.#deps.client.create(SLICES, object, { signal })
        : await this.#objects.patch(SLICES, known, { patch: specPatch(known, object), signal });
    if (written.ok || written.error.kind === "aborted") return DONE;
    const isOrdinary = ["conflict", "already-exists"].includes(written.error.kind);
    return { kind: "failed", error: written.error, isOrdinary };
  }
}

/** Everything in the spec is ours: what somebody has added to it goes. So is the label by which readers find it. */
function specPatch(
  known: KubeObject,
  { spec }: { readonly spec: SliceDocument },
): JsonRecord | undefined {
  const patch = mergeDiff({ spec: Reflect.get(known, "spec") }, { spec });
  if (patch === undefined && isOwn(known)) return undefined;
  const { resourceVersion } = known.metadata;
  return { ...patch, metadata: { resourceVersion, labels: { [LABEL_MANAGED_BY]: MANAGED_BY } } };
}

const DONE: JobOutcome = { kind: "done" };
