import type { Namespace } from "../../api/kube/namespace.ts";
import { apiVersionOf, type KubeObject } from "../../api/kube/object.ts";
import type { Service } from "../../api/kube/service.ts";
import { LABEL_MANAGED_BY, MANAGED_BY } from "../../api/mcs/labels.ts";
import {
  type McsVersion,
  type ServiceExport,
  serviceExports,
} from "../../api/mcs/service-export.ts";
import type { Clock } from "../../runtime/clock/clock.ts";
import type { Changing } from "../../runtime/config/changing.ts";
import type { KubeClient } from "../../runtime/kube/kube-client.ts";
import type { KubeError } from "../../runtime/kube/kube-error.ts";
import { objectKey, type ViewEvent } from "../../runtime/kube/object-view.ts";
import { type JobOutcome, WorkQueue } from "../../runtime/kube/queue/work-queue.ts";
import type { Logger } from "../../runtime/log/log.ts";
import type { Gauge, Meter } from "../../runtime/metrics/meter.ts";
import type { Random } from "../../runtime/random/random.ts";
import type { EventRecorder } from "../events/event-recorder.ts";
import type { AutoExportRules, MemberPolicy } from "../policy/member-policy.ts";
import { isOwn } from "../reconcile/is-own.ts";
import { OwnObjects } from "../reconcile/own-objects.ts";
import type { Views } from "../reconcile/world.ts";
import { type AutoExports, decideAutoExports } from "./decide-auto-exports.ts";
import { quotaText } from "./quota-text.ts";

export interface AutoExporterDeps {
  /** Its writes show at once in the views. */
  readonly kube: KubeClient;
  readonly views: Pick<Views, "namespaces" | "services" | "exports">;
  readonly policy: Changing<MemberPolicy>;
  readonly events: Pick<EventRecorder, "record">;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
  readonly meter: Meter;
}

/** How many Services are exported by their labels, and which the quota leaves out. */
export interface AutoExportCounts {
  readonly exported: number;
  readonly overQuota: readonly string[];
}

/** One pass looks at everything, so that there is one key. */
const ALL = "all";

/**
 * Makes ServiceExports for Services that match the rules, and removes them again when they match no more. Exports without our
 * label are never touched (I3). Without rules it writes nothing, and leaves what stands.
 */
export class AutoExporter {
  readonly #mcsVersion: McsVersion;
  readonly #deps: AutoExporterDeps;
  readonly #objects: OwnObjects;
  readonly #queue: WorkQueue;
  readonly #gauge: Gauge;
  #counts: AutoExportCounts | undefined;
  /** Services that were told that the quota leaves them out. BOUNDED: by the Services that there are. */
  #told: ReadonlySet<string> = new Set();

  constructor(mcsVersion: McsVersion, deps: AutoExporterDeps) {
    this.#mcsVersion = mcsVersion;
    this.#deps = deps;
    this.#objects = new OwnObjects(deps.kube);
    this.#gauge = deps.meter.gauge({
      name: "isthmus_controllers_auto_exports",
      help: "Services that match the rules of auto-export: exported by them, or over-quota and not exported.",
      labels: ["state"],
    });
    this.#queue = new WorkQueue(
      { name: "auto-exports", concurrency: 1 },
      (_, signal) => this.#pass(signal),
      deps,
    );
  }

  /** Call when all views have synced. */
  start(signal: AbortSignal): void {
    const { views, policy } = this.#deps;
    const unsubscribe = [
      views.namespaces.subscribe((event) => this.#onObject(event, namespaceFacts)),
      views.services.subscribe((event) => this.#onObject(event, serviceFacts)),
      views.exports.subscribe((event) => this.#onObject(event, exportFacts)),
      policy.subscribe(() => this.lookAgain()),
    ];
    this.lookAgain();
    this.#queue.start(signal);
    signal.addEventListener("abort", () => unsubscribe.forEach((end) => end()), { once: true });
  }

  /** Resolves when the work under way has ended after the stop. */
  stopped(): Promise<void> {
    return this.#queue.stopped();
  }

  get idle(): boolean {
    return this.#queue.idle;
  }

  lookAgain(): void {
    this.#queue.add(ALL);
  }

  /** Undefined: there are no rules, or it has not looked yet. */
  get counts(): AutoExportCounts | undefined {
    return this.#counts;
  }

  #onObject<T extends KubeObject>(event: ViewEvent<T>, facts: (object: T) => unknown): void {
    // Rules that come look at everything.
    if (event.kind !== "changed" || this.#deps.policy.current.autoExport === undefined) return;
    const [before, after] = [event.before, event.after].map((one) =>
      one === undefined ? "" : JSON.stringify(facts(one)),
    );
    if (before !== after) this.lookAgain();
  }

  async #pass(signal: AbortSignal): Promise<JobOutcome> {
    const { views, policy } = this.#deps;
    const { autoExport: rules, exports: scope } = policy.current;
    if (rules === undefined) {
      this.#tell(undefined);
      return { kind: "done" };
    }
    const decided = decideAutoExports({
      rules,
      scope,
      namespaces: views.namespaces.values(),
      services: views.services.values(),
      exports: views.exports.values(),
    });
    this.#tell(decided);
    this.#tellLeftOut(decided, rules, signal);
    return this.#carryOut(decided, signal);
  }

  /** What is refused does not keep the others waiting. First what goes, so that no quota is ever exceeded in between. */
  async #carryOut(decided: AutoExports, signal: AbortSignal): Promise<JobOutcome> {
    const { kube, log } = this.#deps;
    const resource = serviceExports(this.#mcsVersion);
    let failure: KubeError | undefined;
    for (const obsolete of decided.obsolete) {
      const removed = await this.#objects.remove(resource, obsolete, signal);
      if (removed.ok) log.info("export withdrawn", { export: objectKey(obsolete) });
      else failure ??= removed.error;
    }
    if (failure !== undefined) return outcomeOf(failure);
    for (const service of decided.missing) {
      const created = await kube.create(resource, this.#exportOf(service), { signal });
      if (created.ok) {
        log.info("exported by its labels", { service: objectKey(service) });
        const note = "exported to the clusterset by its labels";
        const draft = {
          type: "Normal",
          reason: "AutoExported",
          action: "Exporting",
          note,
        } as const;
        this.#deps.events.record(service, draft, signal);
      } else if (created.error.kind !== "already-exists") failure ??= created.error;
      // Otherwise somebody was faster, whose export it is: the view will say so.
    }
    return failure === undefined ? { kind: "done" } : outcomeOf(failure);
  }

  #exportOf({ metadata: { namespace = "", name } }: Service): ServiceExport {
    const resource = serviceExports(this.#mcsVersion);
    return {
      apiVersion: apiVersionOf(resource),
      kind: resource.kind,
      metadata: { namespace, name, labels: { [LABEL_MANAGED_BY]: MANAGED_BY } },
    };
  }

  #tell(decided: AutoExports | undefined): void {
    this.#counts =
      decided === undefined
        ? undefined
        : {
            exported: decided.chosen.length,
            overQuota: decided.leftOut.map(({ service }) => objectKey(service)),
          };
    this.#gauge.set(this.#counts?.exported ?? 0, { state: "exported" });
    this.#gauge.set(this.#counts?.overQuota.length ?? 0, { state: "over-quota" });
  }

  /** Once for each that comes to be left out. */
  #tellLeftOut({ leftOut }: AutoExports, rules: AutoExportRules, signal: AbortSignal): void {
    for (const { service, quota } of leftOut) {
      if (this.#told.has(objectKey(service))) continue;
      const note = `not exported: ${quotaText(quota, rules)}`;
      const draft = { reason: "AutoExportOverQuota", action: "Exporting", note };
      this.#deps.events.record(service, { type: "Warning", ...draft }, signal);
    }
    this.#told = new Set(leftOut.map(({ service }) => objectKey(service)));
  }
}

function outcomeOf(error: KubeError): JobOutcome {
  if (error.kind === "aborted") return { kind: "done" };
  const isOrdinary = error.kind === "conflict" || error.kind === "namespace-terminating";
  const { retryAfterMs } = error;
  return {
    ...{ kind: "failed", error, isOrdinary },
    ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
  };
}

// What decides of each kind: nothing else is worth a look at everything.

function namespaceFacts({ metadata, status }: Namespace): unknown {
  const { labels, annotations, deletionTimestamp } = metadata;
  return [labels, annotations, deletionTimestamp, status?.phase];
}

function serviceFacts({ metadata, spec }: Service): unknown {
  const { labels, annotations, deletionTimestamp } = metadata;
  return [labels, annotations, deletionTimestamp, spec.type];
}

function exportFacts(object: ServiceExport): unknown {
  return [isOwn(object), object.metadata.deletionTimestamp];
}
