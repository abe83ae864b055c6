import { type ClusterId, parseClusterId } from "../../api/cluster-id.ts";
import { LABEL_SOURCE_CLUSTER } from "../../api/mcs/labels.ts";
import type { World } from "./world.ts";

/**
 * The clusters that our objects of a service speak of, whatever the broker says now. The slices count too: an import
 * whose status was never written may have others' endpoints already.
 */
export function mentionedClusters({ serviceImport, ownSlices }: World): readonly ClusterId[] {
  const names = [
    ...(serviceImport?.status?.clusters ?? []).map(({ cluster }) => cluster),
    ...ownSlices.flatMap(({ metadata }) => metadata.labels?.[LABEL_SOURCE_CLUSTER] ?? []),
  ];
  // What somebody else wrote there is no cluster's name.
  return names.flatMap((name) => {
    const cluster = parseClusterId(name);
    return cluster.ok ? [cluster.value] : [];
  });
}
