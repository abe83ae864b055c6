import { ENDPOINT_SLICES, type EndpointSlice } from "../../../api/kube/endpoint-slice.ts";
import type { KubeObject } from "../../../api/kube/object.ts";
import type { Service } from "../../../api/kube/service.ts";
import type { Result } from "../../../api/result.ts";
import type { Clock } from "../../../runtime/clock/clock.ts";
import type { KubeClient } from "../../../runtime/kube/kube-client.ts";
import type { KubeError } from "../../../runtime/kube/kube-error.ts";
import { type ObjectView, objectKey, type ViewEvent } from "../../../runtime/kube/object-view.ts";
import { type JobOutcome, WorkQueue } from "../../../runtime/kube/queue/work-queue.ts";
import type { Logger } from "../../../runtime/log/log.ts";
import type { Meter } from "../../../runtime/metrics/meter.ts";
import type { Random } from "../../../runtime/random/random.ts";
import { SERVICE_NAME_LABEL } from "../../network/proxy/forwarding-table.ts";
import type { Pod } from "../kinds/pod.ts";
import { SLICES_BY_SERVICE } from "../member-views.ts";
import { nameSuffix } from "../name-suffix.ts";
import { waitForView } from "../wait-for-view.ts";
import {
  deriveEndpointGroups,
  hasManagedSlices,
  type NodeFacts,
  selects,
} from "./derive-slices.ts";
import { diffSlices, isOwnSlice, type SlicePlan } from "./diff-slices.ts";

export interface SliceControllerDeps {
  readonly kube: Pick<KubeClient, "create" | "update" | "delete">;
  readonly services: ObjectView<Service>;
  readonly pods: ObjectView<Pod>;
  readonly endpointSlices: ObjectView<EndpointSlice>;
  readonly nodes: NodeFacts;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
  readonly meter: Meter;
}

type Written = Result<unknown, KubeError>;

/** Does what kube-controller-manager's EndpointSlice controller does: Services with selectors get slices of their pods. */
export class SliceController {
  readonly #deps: SliceControllerDeps;
  readonly #queue: WorkQueue;
  readonly #stopping = new AbortController();
  #unsubscribe: readonly (() => void)[] = [];

  constructor(deps: SliceControllerDeps) {
    this.#deps = deps;
    this.#queue = new WorkQueue(
      { name: "endpoint-slice", concurrency: 8, drainMs: DRAIN_MS },
      (key, signal) => this.#pass(key, signal),
      deps,
    );
  }

  start(): void {
    this.#queue.start(this.#stopping.signal);
    const { services, pods, endpointSlices } = this.#deps;
    this.#unsubscribe = [
      services.subscribe((event) => this.#onEvent(event, (key) => [key])),
      endpointSlices.subscribe((event) => this.#onEvent(event, () => servicesOf(event))),
      pods.subscribe((event) => this.#onEvent(event, () => this.#selecting(event))),
    ];
    this.#addAll();
  }

  async stop(): Promise<void> {
    for (const unsubscribe of this.#unsubscribe) unsubscribe();
    this.#stopping.abort();
    await this.#queue.stopped();
  }

  #onEvent<T extends KubeObject>(
    event: ViewEvent<T>,
    keysOf: (key: string) => readonly string[],
  ): void {
    if (event.kind === "synced") this.#addAll();
    else if (this.#isSynced()) for (const key of keysOf(event.key)) this.#queue.add(key);
  }

  /** Every Service, and every Service that slices remember though it has gone. */
  #addAll(): void {
    if (!this.#isSynced()) return;
    for (const key of this.#deps.services.keys()) this.#queue.add(key);
    for (const slice of this.#deps.endpointSlices.values()) {
      for (const key of serviceKeyOf(slice)) this.#queue.add(key);
    }
  }

  #isSynced(): boolean {
    const { services, pods, endpointSlices } = this.#deps;
    return services.hasSynced() && pods.hasSynced() && endpointSlices.hasSynced();
  }

  #selecting(event: ViewEvent<Pod>): readonly string[] {
    if (event.kind === "synced") return [];
    const pods = [event.before, event.after].filter((pod) => pod !== undefined);
    return [...this.#deps.services.values()]
      .filter((service) => hasManagedSlices(service) && pods.some((pod) => selects(service, pod)))
      .map(objectKey);
  }

  async #pass(key: string, signal: AbortSignal): Promise<JobOutcome> {
    const plan = this.#plan(key);
    const { kube } = this.#deps;
    const [created, changed] = await Promise.all([
      Promise.all(plan.create.map((slice) => kube.create(ENDPOINT_SLICES, slice, { signal }))),
      Promise.all([
        ...plan.update.map((slice) => kube.update(ENDPOINT_SLICES, slice, { signal })),
        ...plan.remove.map((slice) => this.#remove(slice, signal)),
      ]),
    ]);
    const failures = [...created, ...changed].flatMap((result: Written) =>
      result.ok || isOvertaken(result.error) ? [] : [result.error.message],
    );
    if (failures.length > 0) return { kind: "failed", error: failures.join("; ") };
    const written = created.flatMap((result) => (result.ok ? [result.value] : []));
    await this.#shown(written, plan.remove, signal);
    return { kind: "done" };
  }

  #plan(key: string): SlicePlan {
    const { services, pods, endpointSlices, nodes, random } = this.#deps;
    const service = services.get(key);
    const existing = endpointSlices
      .byIndex(SLICES_BY_SERVICE, key)
      .filter((slice) => serviceKeyOf(slice).length > 0);
    if (service?.metadata.deletionTimestamp !== undefined) return NOTHING;
    if (service === undefined || !hasManagedSlices(service))
      return { ...NOTHING, remove: existing };
    const groups = deriveEndpointGroups(service, [...pods.values()], nodes);
    return diffSlices(
      service,
      groups,
      existing,
      () => `${service.metadata.name}-${nameSuffix(random)}`,
    );
  }

  #remove(slice: EndpointSlice, signal: AbortSignal): Promise<Written> {
    const { namespace, name, uid } = slice.metadata;
    const target = {
      resource: ENDPOINT_SLICES,
      name,
      ...(namespace === undefined ? {} : { namespace }),
    };
    return this.#deps.kube.delete(target, uid === undefined ? {} : { uid }, { signal });
  }

  #shown(
    created: readonly EndpointSlice[],
    removed: readonly EndpointSlice[],
    signal: AbortSignal,
  ): Promise<void> {
    return waitForView(
      this.#deps.endpointSlices,
      (view) =>
        created.every((slice) => view.get(objectKey(slice)) !== undefined) &&
        removed.every((slice) => view.get(objectKey(slice))?.metadata.uid !== slice.metadata.uid),
      this.#deps.clock,
      signal,
    );
  }
}

/** How long passes under way may go on after a stop. */
const DRAIN_MS = 500;
const NOTHING: SlicePlan = { create: [], update: [], remove: [] };

/** Somebody else was faster; the event that tells us starts the next pass. */
function isOvertaken(error: KubeError): boolean {
  return (
    error.kind === "not-found" ||
    error.kind === "conflict" ||
    error.kind === "namespace-terminating"
  );
}

function servicesOf(event: ViewEvent<EndpointSlice>): readonly string[] {
  if (event.kind === "synced") return [];
  return [event.before, event.after].flatMap((slice) =>
    slice === undefined ? [] : serviceKeyOf(slice),
  );
}

/** The Service whose slice of ours this is; none when it is another manager's. */
function serviceKeyOf(slice: EndpointSlice): readonly string[] {
  const name = slice.metadata.labels?.[SERVICE_NAME_LABEL];
  if (name === undefined || !isOwnSlice(slice, name)) return [];
  return [`${slice.metadata.namespace ?? ""}/${name}`];
}
