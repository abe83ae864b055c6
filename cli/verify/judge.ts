import type { EndpointSlice } from "../../api/kube/endpoint-slice.ts";
import { LABEL_SOURCE_CLUSTER } from "../../api/mcs/labels.ts";
import type { ServiceExport } from "../../api/mcs/service-export.ts";
import type { ServiceImport } from "../../api/mcs/service-import.ts";

// What the objects of a service must come to (`docs/conformance.md`). Each says what is still missing; undefined: nothing.

/** EXP-*: valid, and in conflict with nobody. */
export function missingOfExport(found: ServiceExport | undefined): string | undefined {
  if (found === undefined) return "the ServiceExport is gone";
  const conditions = found.status?.conditions ?? [];
  const valid = conditions.find(({ type }) => type === "Valid");
  if (valid === undefined) return "no controller has looked at the ServiceExport";
  if (valid.status !== "True") return `Valid is ${valid.status}: ${valid.message}`;
  const conflict = conditions.find(({ type }) => type === "Conflict");
  return conflict?.status === "True" ? `Conflict: ${conflict.message}` : undefined;
}

/** IMP-*: there, with its exporter, an address in each family, and ready. */
export function missingOfImport(
  found: ServiceImport | undefined,
  exporter: string,
): string | undefined {
  if (found === undefined) return "no ServiceImport";
  const clusters = (found.status?.clusters ?? []).map(({ cluster }) => cluster);
  if (!clusters.includes(exporter)) {
    return `status.clusters must name ${exporter}: got ${clusters.join(", ") || "none"}`;
  }
  if ((found.spec.ips ?? []).length === 0) return "no clusterset IP";
  const ready = (found.status?.conditions ?? []).find(({ type }) => type === "Ready");
  if (ready?.status === "True") return undefined;
  return `Ready is ${ready?.status ?? "not set"}${ready === undefined ? "" : `: ${ready.message}`}`;
}

/** Ready endpoints of a cluster, or of the own Service's slices where no cluster is named. */
export function readyEndpoints(
  slices: readonly EndpointSlice[],
  cluster: string | undefined,
): readonly string[] {
  return slices
    .filter(({ metadata }) => metadata.labels?.[LABEL_SOURCE_CLUSTER] === cluster)
    .flatMap(({ endpoints }) => endpoints ?? [])
    .filter(({ conditions }) => conditions?.ready !== false)
    .flatMap(({ addresses }) => addresses);
}
