import { isTerminating } from "../../api/kube/namespace.ts";
import type { IpFamily, Service } from "../../api/kube/service.ts";
import { SERVICES } from "../../api/kube/service.ts";
import type { McsVersion } from "../../api/mcs/service-export.ts";
import { type ServiceImport, serviceImports } from "../../api/mcs/service-import.ts";
import { ok, type Result } from "../../api/result.ts";
import type { Clock } from "../../runtime/clock/clock.ts";
import type { KubeError } from "../../runtime/kube/kube-error.ts";
import type { Logger } from "../../runtime/log/log.ts";
import type { MergedService } from "../merge/merge-exports.ts";
import type { OwnObjects } from "../reconcile/own-objects.ts";
import type { World } from "../reconcile/world.ts";
import { deriveImport, isOwn, ownerReference } from "./derive-import.ts";
import { deriveImportStatus } from "./derive-import-status.ts";
import {
  chooseFamilies,
  deriveDerivedService,
  mustRecreate,
} from "./derived-service/derive-derived-service.ts";
import { diffDerivedService } from "./derived-service/diff-derived-service.ts";
import { diffImport } from "./diff-import.ts";
import { applySliceOps } from "./slices/apply-slices.ts";
import { deriveSlices, type ReachableRow } from "./slices/derive-slices.ts";
import { diffSlices } from "./slices/diff-slices.ts";

export interface ImportStageOptions {
  readonly mcsVersion: McsVersion;
  /** Families this cluster can route (IMP-20). */
  readonly localFamilies: readonly IpFamily[];
}

export interface ImportStageDeps {
  readonly objects: OwnObjects;
  readonly clock: Clock;
  readonly log: Logger;
}

/**
 * Brings one member's objects of one service to the merged state, in the order in which they make sense to a
 * reader at every moment: import, derived Service, slices, and only then the addresses by which the name resolves.
 */
export async function importService(
  options: ImportStageOptions,
  deps: ImportStageDeps,
  job: {
    readonly world: World;
    readonly merged: MergedService;
    readonly rows: readonly ReachableRow[];
    readonly signal: AbortSignal;
  },
): Promise<Result<void, KubeError>> {
  const { world, merged, rows, signal } = job;
  if (world.namespaceObject === undefined || isTerminating(world.namespaceObject))
    return ok(undefined);
  const imports = serviceImports(options.mcsVersion);
  const families = chooseFamilies(merged.ipFamilies, options.localFamilies, world.derivedService);

  const created = await deps.objects.ensure<ServiceImport>(imports, world.serviceImport, {
    make: () => {
      const { labels, annotations, spec } = deriveImport(merged, undefined, families);
      return {
        apiVersion: `${imports.group}/${imports.version}`,
        kind: imports.kind,
        metadata: { namespace: merged.namespace, name: merged.name, labels, annotations },
        spec,
      };
    },
    signal,
  });
  if (!created.ok) return created;
  if (created.value === "foreign") return ok(undefined);
  const owner = ownerReference(created.value);
  if (owner === undefined) return ok(undefined);

  const derived = await ensureDerivedService(deps, {
    observed: world.derivedService,
    desired: families.length === 0 ? undefined : deriveDerivedService(merged, families, owner),
    signal,
  });
  if (!derived.ok) return derived;

  const ops = diffSlices(world.ownSlices, deriveSlices(merged, rows, owner));
  const slices = await applySliceOps(deps.objects, ops, signal);
  if (!slices.ok) return slices;

  const desired = deriveImport(merged, derived.value, families);
  const patched = await deps.objects.patch(imports, created.value, {
    patch: diffImport(created.value, desired),
    signal,
  });
  if (!patched.ok) return patched;
  const status = await deps.objects.patch(imports, patched.value, {
    patch: deriveImportStatus(patched.value, merged, { desired, families }, deps.clock.nowMs()),
    subresource: "status",
    signal,
  });
  return status.ok ? ok(undefined) : status;
}

async function ensureDerivedService(
  { objects, log }: ImportStageDeps,
  job: {
    readonly observed: Service | undefined;
    readonly desired: Service | undefined;
    readonly signal: AbortSignal;
  },
): Promise<Result<Service | undefined, KubeError>> {
  const { desired, signal } = job;
  let { observed } = job;
  if (observed !== undefined && isOwn(observed)) {
    if (desired === undefined || mustRecreate(observed, desired)) {
      const removed = await objects.remove(SERVICES, observed, signal);
      if (!removed.ok) return removed;
      observed = undefined;
    }
  }
  if (desired === undefined) return ok(undefined);
  const ensured = await objects.ensure(SERVICES, observed, { make: () => desired, signal });
  if (!ensured.ok) return ensured;
  if (ensured.value === "foreign") {
    log.warn("a service with the name of our derived service exists and is not ours", {
      namespace: desired.metadata.namespace,
      service: desired.metadata.name,
    });
    return ok(undefined);
  }
  return objects.patch(SERVICES, ensured.value, {
    patch: diffDerivedService(ensured.value, desired),
    signal,
  });
}
