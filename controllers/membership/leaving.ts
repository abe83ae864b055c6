import type { ClusterProperty } from "../../api/mcs/cluster-property.ts";

/** On the clusterset's property: the cluster is leaving, whoever keeps its objects must stop now. */
export const ANNOTATION_LEAVING = "isthmus.dev/leaving";

export function isLeaving({ metadata }: ClusterProperty): boolean {
  return metadata.annotations?.[ANNOTATION_LEAVING] !== undefined;
}

/** For people: what the mark on a property of this name means. */
export function leavingText(name: string): string {
  return `this cluster is leaving its clusterset: ClusterProperty ${name} says so; join again when it has left`;
}
