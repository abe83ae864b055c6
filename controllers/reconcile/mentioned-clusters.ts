import { type ClusterId, parseClusterId } from "../../api/cluster-id.ts";
import { LABEL_SOURCE_CLUSTER } from "../../api/mcs/labels.ts";
import type { ServiceImport } from "../../api/mcs/service-import.ts";
import { ANNOTATION_CREATED_FOR } from "../import/derive-import.ts";
import type { World } from "./world.ts";

/**
 * The clusters that our objects of a service speak of, whatever the broker says now. The slices count too: an import
 * whose status was never written may have others' endpoints already.
 */
export function mentionedClusters({ serviceImport, ownSlices }: World): readonly ClusterId[] {
  const names = [
    ...exportersOf(serviceImport),
    ...ownSlices.flatMap(({ metadata }) => metadata.labels?.[LABEL_SOURCE_CLUSTER] ?? []),
  ];
  // What somebody else wrote there is no cluster's name.
  return names.flatMap((name) => {
    const cluster = parseClusterId(name);
    return cluster.ok ? [cluster.value] : [];
  });
}

function exportersOf(serviceImport: ServiceImport | undefined): readonly string[] {
  const clusters = serviceImport?.status?.clusters;
  if (clusters !== undefined) return clusters.map(({ cluster }) => cluster);
  return serviceImport?.metadata.annotations?.[ANNOTATION_CREATED_FOR]?.split(",") ?? [];
}
