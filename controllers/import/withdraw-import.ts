import { ENDPOINT_SLICES } from "../../api/kube/endpoint-slice.ts";
import { SERVICES } from "../../api/kube/service.ts";
import type { McsVersion } from "../../api/mcs/service-export.ts";
import { serviceImports } from "../../api/mcs/service-import.ts";
import { ok, type Result } from "../../api/result.ts";
import type { KubeError } from "../../runtime/kube/kube-error.ts";
import type { OwnObjects } from "../reconcile/own-objects.ts";
import type { World } from "../reconcile/world.ts";

/**
 * Nobody exports the service any more: its import goes, and what hangs on it (IMP-04). The name first, so
 * that nothing resolves to an address without endpoints. Garbage collection would take the rest too, but
 * orphans without an owner would stay (CLN-12).
 */
export async function withdrawImport(
  objects: OwnObjects,
  mcsVersion: McsVersion,
  world: World,
  signal: AbortSignal,
): Promise<Result<void, KubeError>> {
  const doomed = [
    ...(world.serviceImport === undefined
      ? []
      : [{ resource: serviceImports(mcsVersion), object: world.serviceImport }]),
    ...world.ownSlices.map((object) => ({ resource: ENDPOINT_SLICES, object })),
    ...(world.derivedService === undefined
      ? []
      : [{ resource: SERVICES, object: world.derivedService }]),
  ];
  for (const { resource, object } of doomed) {
    const removed = await objects.remove(resource, object, signal);
    if (!removed.ok) return removed;
  }
  return ok(undefined);
}
