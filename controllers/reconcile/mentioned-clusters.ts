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
  const sources = ownSlices.flatMap(
    ({ metadata }) => metadata.labels?.[LABEL_SOURCE_CLUSTER] ?? [],
  );
  return [...namedExporters(serviceImport), ...clusterIds(sources)];
}

/** The clusters that an import itself names as its exporters: by its status, or from its creation until that is written. */
export function namedExporters(serviceImport: ServiceImport | undefined): readonly ClusterId[] {
  const clusters = serviceImport?.status?.clusters;
  if (clusters !== undefined) return clusterIds(clusters.map(({ cluster }) => cluster));
  const createdFor = serviceImport?.metadata.annotations?.[ANNOTATION_CREATED_FOR];
  return clusterIds(createdFor?.split(",") ?? []);
}

/** What somebody else wrote there may be no cluster's name. */
function clusterIds(names: readonly string[]): readonly ClusterId[] {
  return names.flatMap((name) => {
    const cluster = parseClusterId(name);
    return cluster.ok ? [cluster.value] : [];
  });
}
