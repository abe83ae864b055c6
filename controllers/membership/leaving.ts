import type { ClusterProperty } from "../../api/mcs/cluster-property.ts";

/** On the clusterset's property: the cluster is leaving, whoever keeps its objects must stop now. */
export const ANNOTATION_LEAVING = "isthmus.dev/leaving";

export function isLeaving({ metadata }: ClusterProperty): boolean {
  return metadata.annotations?.[ANNOTATION_LEAVING] !== undefined;
}
