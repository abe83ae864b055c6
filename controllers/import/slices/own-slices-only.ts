import type { RowPort } from "../../../api/broker/row.ts";
import { LABEL_SOURCE_CLUSTER } from "../../../api/mcs/labels.ts";
import type { ServiceImport } from "../../../api/mcs/service-import.ts";
import type { OwnExport } from "../../export/derive-own-rows.ts";
import type { MergedService } from "../../merge/merge-exports.ts";
import type { World } from "../../reconcile/world.ts";
import { ownerReference } from "../derive-import.ts";
import { deriveSlices } from "./derive-slices.ts";
import { diffSlices, type SliceOp } from "./diff-slices.ts";

/**
 * What may be written before the broker was heard: the import of an earlier life stands as it is, only our own
 * endpoints follow the pods, and nothing is deleted (I6, CLN-09).
 */
export function ownSlicesOnly(
  world: World,
  serviceImport: ServiceImport,
  own: OwnExport & { readonly kind: "exported" },
): readonly SliceOp[] {
  // Somebody took it out: what it said will be known again from the broker.
  const { spec } = serviceImport;
  if (spec === undefined) return [];
  const standing: MergedService = {
    namespace: world.namespace,
    name: world.name,
    type: spec.type,
    ports: spec.ports.map((port): RowPort => ({ ...port, name: port.name ?? "" })),
    sessionAffinity: spec.sessionAffinity ?? "None",
    ...(spec.trafficDistribution === undefined
      ? {}
      : { trafficDistribution: spec.trafficDistribution }),
    ipFamilies: spec.ipFamilies ?? [],
    labels: {},
    annotations: {},
    exports: [own.row],
    clusters: [own.row.cluster],
    conflicts: [],
  };
  const others = world.ownSlices.filter(
    ({ metadata }) => metadata.labels?.[LABEL_SOURCE_CLUSTER] !== own.row.cluster,
  );
  const owner = ownerReference(serviceImport);
  const desired = deriveSlices(standing, own.endpoints, owner, others);
  return diffSlices(world, desired).filter((op) => op.kind !== "delete");
}
