import type { Row } from "../../api/broker/row.ts";
import type { ClusterId } from "../../api/cluster-id.ts";
import { serviceExports } from "../../api/mcs/service-export.ts";
import { ok, type Result } from "../../api/result.ts";
import type { ServiceKey } from "../../api/service-key.ts";
import type { BrokerLink } from "../../broker/client/broker-link.ts";
import type { Backend } from "../../connectivity/backend.ts";
import type { KubeClient } from "../../runtime/kube/kube-client.ts";
import type { KubeError } from "../../runtime/kube/kube-error.ts";
import { advertiseRows } from "../export/derive-endpoints-rows.ts";
import { deriveOwnExport, type OwnExport } from "../export/derive-own-rows.ts";
import { exportStatusPatch, publicationOf } from "../export/export-status.ts";
import {
  type ImportStageDeps,
  type ImportStageOptions,
  importService,
} from "../import/import-stage.ts";
import { applySliceOps } from "../import/slices/apply-slices.ts";
import { ownSlicesOnly } from "../import/slices/own-slices-only.ts";
import { reachableRows } from "../import/slices/reachable-rows.ts";
import { withdrawImport } from "../import/withdraw-import.ts";
import { type MergedService, mergeExports } from "../merge/merge-exports.ts";
import { OwnObjects } from "./own-objects.ts";
import { observe, type Views, type World } from "./world.ts";

export interface ServiceReconcilerOptions extends ImportStageOptions {
  readonly cluster: ClusterId;
}

export interface ServiceReconcilerDeps extends Omit<ImportStageDeps, "objects"> {
  readonly kube: KubeClient;
  readonly views: Views;
  readonly link: BrokerLink;
  readonly backend: Backend;
}

/**
 * One service, one pass: observe, derive, diff, apply. Level-triggered: it never asks what happened, only what is,
 * and a second pass over an unchanged world writes nothing (I9).
 */
export class ServiceReconciler {
  readonly #options: ServiceReconcilerOptions;
  readonly #deps: ServiceReconcilerDeps;
  readonly #objects: OwnObjects;

  constructor(options: ServiceReconcilerOptions, deps: ServiceReconcilerDeps) {
    this.#options = options;
    this.#deps = deps;
    this.#objects = new OwnObjects(deps.kube);
  }

  /** Hands this cluster's rows of the service to the broker link, without touching any object. */
  publish(key: ServiceKey): OwnExport {
    const own = deriveOwnExport(
      this.#options.cluster,
      observe(key, this.#deps.views, this.#deps.link),
    );
    this.#deps.link.setOwnRows(key, ownRows(own, this.#deps.backend));
    return own;
  }

  async reconcile(key: ServiceKey, signal: AbortSignal): Promise<Result<void, KubeError>> {
    const { link, views } = this.#deps;
    const own = this.publish(key);
    const world = observe(key, views, link);
    const merged = mergeExports(exportRows(own, world.foreignRows));
    const imported = await this.#reconcileImport(world, own, merged, signal);
    // The export's status is told even when the import could not be written: it may say why.
    const told = await this.#reconcileExportStatus(world, own, merged, signal);
    return imported.ok ? told : imported;
  }

  async #reconcileImport(
    world: World,
    own: OwnExport,
    merged: MergedService | undefined,
    signal: AbortSignal,
  ): Promise<Result<void, KubeError>> {
    if (!this.#deps.link.hasSynced() && world.serviceImport !== undefined) {
      return own.kind === "exported"
        ? applySliceOps(this.#objects, ownSlicesOnly(world, world.serviceImport, own), signal)
        : ok(undefined);
    }
    if (merged === undefined) {
      return this.#deps.link.hasSynced()
        ? withdrawImport(this.#objects, this.#options.mcsVersion, world, signal)
        : ok(undefined);
    }
    const rows = [
      ...(own.kind === "exported" ? own.endpoints : []),
      ...reachableRows(world.foreignRows, this.#deps.backend),
    ];
    const stage = { ...this.#deps, objects: this.#objects };
    return importService(this.#options, stage, { world, merged, rows, signal });
  }

  async #reconcileExportStatus(
    world: World,
    own: OwnExport,
    merged: MergedService | undefined,
    signal: AbortSignal,
  ): Promise<Result<void, KubeError>> {
    const { serviceExport } = world;
    if (serviceExport === undefined) return ok(undefined);
    const { link, clock, kube } = this.#deps;
    const patch = exportStatusPatch(serviceExport, own, {
      publication: publicationOf(own, link),
      conflicts: link.hasSynced() ? merged?.conflicts : undefined,
      nowMs: clock.nowMs(),
    });
    if (patch === undefined) return ok(undefined);
    const resource = serviceExports(this.#options.mcsVersion);
    const patched = await kube.mergePatch(
      { resource, namespace: world.namespace, name: world.name },
      patch,
      { signal, subresource: "status" },
    );
    // Deleted meanwhile: there is nobody left to tell.
    return patched.ok || patched.error.kind === "not-found" ? ok(undefined) : patched;
  }
}

function ownRows(own: OwnExport, backend: Backend): readonly Row[] {
  return own.kind === "exported" ? [own.row, ...advertiseRows(own.endpoints, backend)] : [];
}

function exportRows(own: OwnExport, foreign: readonly Row[]): Parameters<typeof mergeExports>[0] {
  return [
    ...(own.kind === "exported" ? [own.row] : []),
    ...foreign.filter((row) => row.kind === "export"),
  ];
}
