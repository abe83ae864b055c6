import type { ServiceRow } from "../../api/broker/row.ts";
import type { ClusterId } from "../../api/cluster-id.ts";
import { serviceExports } from "../../api/mcs/service-export.ts";
import { ok, type Result } from "../../api/result.ts";
import type { ServiceKey } from "../../api/service-key.ts";
import type { BrokerLink } from "../../broker/client/broker-link.ts";
import type { PathSelection } from "../../connectivity/path-selection.ts";
import type { Changing } from "../../runtime/config/changing.ts";
import type { KubeClient } from "../../runtime/kube/kube-client.ts";
import type { KubeError } from "../../runtime/kube/kube-error.ts";
import type { Logger } from "../../runtime/log/log.ts";
import type { EventRecorder } from "../events/event-recorder.ts";
import { exportEvents } from "../events/export-events.ts";
import { advertiseRows } from "../export/derive-endpoints-rows.ts";
import type { ExportFacts } from "../export/derive-export-conditions.ts";
import { deriveOwnExport, type OwnExport } from "../export/derive-own-rows.ts";
import { exportConditions, publicationOf } from "../export/export-status.ts";
import { namesTooLong } from "../export/names-too-long.ts";
import {
  type ImportStageDeps,
  type ImportStageOptions,
  importService,
} from "../import/import-stage.ts";
import { applySliceOps, type Occupied } from "../import/slices/apply-slices.ts";
import { ownSlicesOnly } from "../import/slices/own-slices-only.ts";
import { reachableRows } from "../import/slices/reachable-rows.ts";
import { withdrawImport } from "../import/withdraw-import.ts";
import { offeredRows } from "../liveness/offered-rows.ts";
import type { PeerWatch } from "../liveness/peer-watch.ts";
import { type MergedService, mergeExports } from "../merge/merge-exports.ts";
import { precedenceChange, precedenceText } from "../merge/precedence-change.ts";
import type { MemberPolicy } from "../policy/member-policy.ts";
import { importWithdrawn } from "../policy/policy-problems.ts";
import { isOwn } from "./is-own.ts";
import { mentionedClusters, namedExporters } from "./mentioned-clusters.ts";
import { OwnObjects } from "./own-objects.ts";
import { StandingProblems } from "./standing-problems.ts";
import { tracedClient } from "./traced-client.ts";
import { observe, type Views, type World } from "./world.ts";

export interface ServiceReconcilerOptions extends ImportStageOptions {
  readonly cluster: ClusterId;
}

export interface ServiceReconcilerDeps extends Omit<ImportStageDeps, "objects"> {
  readonly kube: KubeClient;
  readonly views: Views;
  readonly link: BrokerLink;
  readonly peers: Pick<PeerWatch, "healthFor" | "isAwaited">;
  readonly paths: PathSelection;
  /** Which namespaces are shared: read anew in each pass. */
  readonly policy: Changing<MemberPolicy>;
  readonly events: Pick<EventRecorder, "record">;
  readonly log: Logger;
}

/** One service as one pass sees it. */
interface Pass {
  readonly key: ServiceKey;
  readonly world: World;
  readonly own: OwnExport;
  /** Undefined when nobody that is known of exports the service. */
  readonly merged: MergedService | undefined;
  /**
   * When the rows were read the broker had told everything, and nobody was awaited who has a part in the import: what
   * came since is for the next pass.
   */
  readonly isSettled: boolean;
  readonly signal: AbortSignal;
  /** See `reconcile`. */
  readonly tracedWrite: string | undefined;
}

type Imported = Result<readonly Occupied[], KubeError>;

/**
 * One service, one pass: observe, derive, diff, apply. Level-triggered: it never asks what happened, only what is,
 * and a second pass over an unchanged world writes nothing (I9).
 */
export class ServiceReconciler {
  readonly #options: ServiceReconcilerOptions;
  readonly #deps: ServiceReconcilerDeps;
  readonly #objects: OwnObjects;
  readonly #problems = new StandingProblems();

  constructor(options: ServiceReconcilerOptions, deps: ServiceReconcilerDeps) {
    this.#options = options;
    this.#deps = deps;
    this.#objects = new OwnObjects(deps.kube);
  }

  /** Hands this cluster's rows of the service to the broker link, without touching any object. */
  publish(key: ServiceKey): OwnExport {
    const own = deriveOwnExport(this.#options.cluster, observe(key, this.#deps));
    this.#deps.link.setOwnRows(key, ownRows(own, this.#deps.paths));
    return own;
  }

  /** @param tracedWrite whose and which write this pass is for, where a collector is told: it is said on what is written */
  async reconcile(
    key: ServiceKey,
    signal: AbortSignal,
    tracedWrite?: string,
  ): Promise<Result<void, KubeError>> {
    const { link } = this.#deps;
    const own = this.publish(key);
    const world = observe(key, this.#deps);
    const merged = mergeExports(exportRows(own, world.foreignRows));
    const pass: Pass = {
      key,
      world,
      own,
      merged,
      isSettled:
        link.hasSynced(world.namespace) &&
        !mentionedClusters(world).some((cluster) => this.#deps.peers.isAwaited(cluster)),
      signal,
      tracedWrite,
    };
    this.#tellPrecedence(pass);
    const imported = await this.#reconcileImport(pass);
    this.#tellProblems(pass, imported);
    // The export's status is told even when the import could not be written: it may say why.
    const told = await this.#reconcileExportStatus(pass);
    return imported.ok ? told : imported;
  }

  async #reconcileImport(pass: Pass): Promise<Imported> {
    const { world, merged, isSettled, signal } = pass;
    if (world.importDenial !== undefined) return this.#denyImport(pass);
    if (!isSettled) return this.#importBeforeSync(pass);
    if (merged !== undefined) return this.#import(pass, merged);
    // Nobody else exports it, and of one that did nothing is known: it lives until that one is heard, or has left (I4).
    if (namedExporters(world.serviceImport).some((cluster) => !this.#deps.link.isKnown(cluster)))
      return ok([]);
    return this.#withdraw(world, signal);
  }

  async #withdraw(world: World, signal: AbortSignal): Promise<Imported> {
    const withdrawn = await withdrawImport(this.#objects, this.#options.mcsVersion, world, signal);
    return withdrawn.ok ? ok([]) : withdrawn;
  }

  /** Nothing of ours stands where policy denies it, whatever others export: no sync has to be waited for (IMP-36). */
  #denyImport({ key, world, signal }: Pass): Promise<Imported> {
    const draft = importWithdrawn(world);
    if (draft !== undefined && world.serviceImport !== undefined && isOwn(world.serviceImport)) {
      this.#deps.log.warn("import withdrawn by policy", { key, rule: world.importDenial });
      this.#deps.events.record(world.serviceExport ?? world.serviceImport, draft, signal);
    }
    return this.#withdraw(world, signal);
  }

  /** A peer may lie about an export's age: that one took a service over is not passed over in silence (SEC-07). */
  #tellPrecedence({ key, world, own, merged, isSettled, signal }: Pass): void {
    if (!isSettled || merged === undefined) return;
    const change = precedenceChange(world.serviceImport, merged);
    if (change === undefined) return;
    const { before, now } = change;
    this.#deps.log.warn("an older export has arrived and decides now", {
      key,
      cluster: now.cluster,
      createdAtMs: now.createdAtMs,
      before: before.cluster,
      beforeCreatedAtMs: before.createdAtMs,
    });
    if (own.kind !== "exported" || now.cluster === this.#options.cluster) return;
    if (world.serviceExport === undefined) return;
    const note = precedenceText(change);
    const draft = {
      type: "Warning",
      reason: "PrecedenceChanged",
      action: "Merging",
      note,
    } as const;
    this.#deps.events.record(world.serviceExport, draft, signal);
  }

  /**
   * The broker has not told everything yet, or a cluster that has a part in the import is still awaited: nothing is deleted, and what other clusters have a part in stands as it
   * is (I6). A service that is ours alone, as far as anybody has ever told, follows our changes all the same (I7),
   * but a new import waits while the broker is there to say what others export.
   */
  async #importBeforeSync(pass: Pass): Promise<Imported> {
    const { world, own, merged, signal } = pass;
    if (own.kind !== "exported" || merged === undefined) return ok([]);
    const { serviceImport } = world;
    if (serviceImport === undefined) {
      return this.#deps.link.status().kind === "connected" ? ok([]) : this.#import(pass, merged);
    }
    if (this.#isOursAlone(world, merged)) return this.#import(pass, merged);
    return isOwn(serviceImport)
      ? applySliceOps(this.#objects, ownSlicesOnly(world, serviceImport, own), signal)
      : ok([]);
  }

  #isOursAlone(world: World, merged: MergedService): boolean {
    const known = new Set([...merged.clusters, ...mentionedClusters(world)]);
    return known.size === 1 && known.has(this.#options.cluster);
  }

  #import(
    { key, world, own, signal, tracedWrite }: Pass,
    merged: MergedService,
  ): Promise<Imported> {
    const all = [
      ...(own.kind === "exported" ? own.endpoints : []),
      ...reachableRows(world.foreignRows, this.#deps.paths),
    ];
    const rows = offeredRows(merged, all, this.#deps.peers.healthFor(key));
    const objects =
      tracedWrite === undefined
        ? this.#objects
        : new OwnObjects(tracedClient(this.#deps.kube, tracedWrite));
    const stage = { ...this.#deps, objects };
    return importService(this.#options, stage, { world, merged, rows, signal });
  }

  /** What a human must mend: once in the log, and as an Event where the export's owner looks (EXP-25). */
  #tellProblems({ key, world, own, signal }: Pass, imported: Imported): void {
    const problems = [namesTooLong(own), ...problemsOf(imported)].filter(
      (text) => text !== undefined,
    );
    const fresh = this.#problems.update(key, problems);
    const about = world.serviceExport ?? world.serviceImport;
    for (const note of fresh) {
      this.#deps.log.warn("service cannot be offered as it should be", { key, problem: note });
      if (about === undefined) continue;
      const draft = { type: "Warning", reason: "Impaired", action: "Reconciling", note } as const;
      this.#deps.events.record(about, draft, signal);
    }
  }

  async #reconcileExportStatus({
    world,
    own,
    merged,
    isSettled,
    signal,
  }: Pass): Promise<Result<void, KubeError>> {
    const { serviceExport } = world;
    if (serviceExport === undefined) return ok(undefined);
    const { link, clock, kube, events } = this.#deps;
    const conditions = exportConditions(serviceExport, own, {
      publication: publicationOf(own, link),
      conflicts: conflictsSeen(world, merged, isSettled),
      nowMs: clock.nowMs(),
    });
    if (conditions === undefined) return ok(undefined);
    const patched = await kube.mergePatch(
      {
        resource: serviceExports(this.#options.mcsVersion),
        namespace: world.namespace,
        name: world.name,
      },
      {
        metadata: { resourceVersion: serviceExport.metadata.resourceVersion },
        status: { conditions },
      },
      { signal, subresource: "status" },
    );
    // Deleted meanwhile: there is nobody left to tell.
    if (!patched.ok) return patched.error.kind === "not-found" ? ok(undefined) : patched;
    for (const draft of exportEvents(serviceExport.status?.conditions ?? [], conditions)) {
      events.record(serviceExport, draft, signal);
    }
    return ok(undefined);
  }
}

/** What is known of disagreements: nothing before the first sync, and nothing ever where imports are denied. */
function conflictsSeen(
  { importDenial }: World,
  merged: MergedService | undefined,
  isSettled: boolean,
): ExportFacts["conflicts"] {
  if (importDenial !== undefined) return { unseen: importDenial };
  return isSettled ? merged?.conflicts : undefined;
}

/** Of failures only those that do not pass by themselves. */
function problemsOf(imported: Imported): readonly string[] {
  if (imported.ok) {
    return imported.value.map(
      ({ kind, name }) =>
        `${kind} ${name} exists and is not managed by Isthmus: it is left alone; delete or rename it`,
    );
  }
  const { kind, message } = imported.error;
  return kind === "invalid" || kind === "forbidden"
    ? [`the API server refuses it: ${message}`]
    : [];
}

function ownRows(own: OwnExport, paths: PathSelection): readonly ServiceRow[] {
  return own.kind === "exported" ? [own.row, ...advertiseRows(own.endpoints, paths)] : [];
}

function exportRows(
  own: OwnExport,
  foreign: readonly ServiceRow[],
): Parameters<typeof mergeExports>[0] {
  return [
    ...(own.kind === "exported" ? [own.row] : []),
    ...foreign.filter((row) => row.kind === "export"),
  ];
}
