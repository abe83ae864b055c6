import { isTerminating } from "../../api/kube/namespace.ts";
import type { IpFamily } from "../../api/kube/service.ts";
import type { McsVersion } from "../../api/mcs/service-export.ts";
import { type ServiceImport, serviceImports } from "../../api/mcs/service-import.ts";
import { err, ok, type Result } from "../../api/result.ts";
import type { Clock } from "../../runtime/clock/clock.ts";
import type { KubeError } from "../../runtime/kube/kube-error.ts";
import type { MergedService } from "../merge/merge-exports.ts";
import type { OwnObjects } from "../reconcile/own-objects.ts";
import type { World } from "../reconcile/world.ts";
import {
  ANNOTATION_CREATED_FOR,
  deriveImport,
  type ImportAddresses,
  importAddresses,
  ownerReference,
} from "./derive-import.ts";
import { deriveImportStatus } from "./derive-import-status.ts";
import { chooseFamilies } from "./derived-service/choose-families.ts";
import { deriveDerivedService } from "./derived-service/derive-derived-service.ts";
import { ensureDerivedService } from "./derived-service/ensure-derived-service.ts";
import { diffImport } from "./diff-import.ts";
import type { ImportFacts } from "./import-readiness.ts";
import { applySliceOps, type Occupied } from "./slices/apply-slices.ts";
import { deriveSlices, type ReachableRow } from "./slices/derive-slices.ts";
import { diffSlices } from "./slices/diff-slices.ts";
import { withdrawImport } from "./withdraw-import.ts";

export interface ImportStageOptions {
  readonly mcsVersion: McsVersion;
  /** Families this cluster can route (IMP-20). */
  readonly localFamilies: readonly IpFamily[];
}

export interface ImportStageDeps {
  readonly objects: OwnObjects;
  readonly clock: Clock;
}

interface ImportJob {
  readonly world: World;
  readonly merged: MergedService;
  readonly rows: readonly ReachableRow[];
  readonly signal: AbortSignal;
}

/**
 * Brings one member's objects of one service to the merged state, in the order in which they make sense to a
 * reader at every moment: import, derived Service, slices, and only then the addresses by which the name resolves.
 * @returns names of ours that somebody else's objects hold: those were left alone (I3).
 */
export async function importService(
  options: ImportStageOptions,
  deps: ImportStageDeps,
  job: ImportJob,
): Promise<Result<readonly Occupied[], KubeError>> {
  const { world, merged, rows, signal } = job;
  if (world.namespaceObject === undefined || isTerminating(world.namespaceObject)) return ok([]);
  const ensured = await ensureImport(options, deps, job);
  if (!ensured.ok) return ensured;
  const serviceImport = ensured.value;
  if (serviceImport === "foreign") {
    // Somebody has taken the import over: what hung on it while it was ours would answer beside theirs.
    const withdrawn = await withdrawImport(deps.objects, options.mcsVersion, world, signal);
    return withdrawn.ok ? ok([{ kind: "ServiceImport", name: world.name }]) : withdrawn;
  }
  const owner = ownerReference(serviceImport);
  if (owner === undefined) return ok([]);

  const families = chooseFamilies(merged, options.localFamilies, {
    serviceImport,
    derived: world.derivedService,
  });
  const derived = await ensureDerivedService(deps.objects, {
    observed: world.derivedService,
    desired: families.length === 0 ? undefined : deriveDerivedService(merged, families, owner),
    ips: addressesToKeep(serviceImport, families),
    signal,
  });
  // The next pass knows better; a reader of the status need not know that there was this one.
  if (derived.kind === "failed" && isPassing(derived.error)) return err(derived.error);

  const ops = diffSlices(world, deriveSlices(merged, rows, owner));
  const slices = await applySliceOps(deps.objects, ops, signal);
  const facts = { families, derived, slices };
  if (!slices.ok) {
    // What will not pass by itself is told in the status; addresses wait until there is something behind them.
    if (!isStanding(slices.error)) return slices;
    const told = await writeStatus(options, deps, { serviceImport, facts, job });
    return told.ok ? slices : told;
  }
  const written = await writeImport(options, deps, { serviceImport, facts, job });
  if (!written.ok) return written;
  if (derived.kind === "failed") return err(derived.error);
  const occupied: Occupied[] =
    derived.kind === "occupied" ? [{ kind: "Service", name: derived.name }] : [];
  return ok([...occupied, ...slices.value]);
}

function ensureImport(
  options: ImportStageOptions,
  { objects }: ImportStageDeps,
  { world, merged, signal }: ImportJob,
): Promise<Result<ServiceImport | "foreign", KubeError>> {
  const resource = serviceImports(options.mcsVersion);
  const make = (): ServiceImport => {
    const families = chooseFamilies(merged, options.localFamilies, {
      serviceImport: undefined,
      derived: world.derivedService,
    });
    const addresses = importAddresses(merged, { families, derived: { kind: "none" } }, {});
    const { labels, annotations, spec } = deriveImport(merged, addresses);
    return {
      apiVersion: `${resource.group}/${resource.version}`,
      kind: resource.kind,
      metadata: {
        namespace: merged.namespace,
        name: merged.name,
        labels,
        annotations: { ...annotations, [ANNOTATION_CREATED_FOR]: merged.clusters.join() },
      },
      spec,
    };
  };
  return objects.ensure<ServiceImport>(resource, world.serviceImport, { make, signal });
}

interface WriteJob {
  readonly serviceImport: ServiceImport;
  readonly facts: ImportFacts;
  readonly job: ImportJob;
}

/** Spec, then status. */
async function writeImport(
  options: ImportStageOptions,
  deps: ImportStageDeps,
  { serviceImport, facts, job }: WriteJob,
): Promise<Result<unknown, KubeError>> {
  const { merged, signal } = job;
  const resource = serviceImports(options.mcsVersion);
  const desired = deriveImport(merged, importAddresses(merged, facts, serviceImport.spec));
  const patched = await deps.objects.patch(resource, serviceImport, {
    patch: diffImport(serviceImport, desired),
    signal,
  });
  if (!patched.ok) return patched;
  return writeStatus(options, deps, { serviceImport: patched.value, facts, job });
}

function writeStatus(
  options: ImportStageOptions,
  { objects, clock }: ImportStageDeps,
  { serviceImport, facts, job: { merged, signal } }: WriteJob,
): Promise<Result<unknown, KubeError>> {
  return objects.patch(serviceImports(options.mcsVersion), serviceImport, {
    patch: deriveImportStatus(serviceImport, merged, facts, clock.nowMs()),
    subresource: "status",
    signal,
  });
}

/** The addresses that clients may know, as far as they still fit the families. */
function addressesToKeep(
  { spec }: ServiceImport,
  families: readonly IpFamily[],
): readonly string[] {
  const { ips = [], ipFamilies = [] }: ImportAddresses = spec;
  return ips.filter((_, index) => ipFamilies[index] === families[index] && index < families.length);
}

/** The server means it: the same request will fail again. */
function isStanding({ kind }: KubeError): boolean {
  return kind === "invalid" || kind === "forbidden";
}

function isPassing(error: KubeError): boolean {
  return ["aborted", "conflict", "not-found", "namespace-terminating"].includes(error.kind);
}
