import { createHash } from "node:crypto";
import type { Node } from "../../../api/kube/node.ts";

/** On a Node, with value "true": it is a gateway, whatever others are. */
export const LABEL_GATEWAY = "isthmus.dev/gateway";
/** How many are chosen where no node has the label. */
export const GATEWAYS_DEFAULT = 2;

/**
 * Names of the nodes that are gateways, sorted: all that are labelled; where none is, `count` of those that are ready and
 * take pods. The choice is by rendezvous hashing (highest random weight): when a node comes or goes at most one gateway
 * changes, and everybody who looks at the same nodes chooses the same. A labelled node that is not ready stays chosen: who
 * labels decides, and probes keep traffic off it.
 */
export function electGateways(
  nodes: readonly Node[],
  cluster: string,
  count: number = GATEWAYS_DEFAULT,
): readonly string[] {
  const labelled = nodes.filter(({ metadata }) => metadata.labels?.[LABEL_GATEWAY] === "true");
  if (labelled.length > 0) return labelled.map(({ metadata }) => metadata.name).sort();
  return nodes
    .filter(isUsable)
    .map(({ metadata: { name } }) => ({ name, weight: weightOf(cluster, name) }))
    .sort((a, b) => (a.weight === b.weight ? compare(a.name, b.name) : compare(b.weight, a.weight)))
    .slice(0, count)
    .map(({ name }) => name)
    .sort();
}

function isUsable({ metadata, spec, status }: Node): boolean {
  const isReady = status?.conditions?.some(
    ({ type, status: value }) => type === "Ready" && value === "True",
  );
  return (
    isReady === true && spec?.unschedulable !== true && metadata.labels?.[LABEL_GATEWAY] !== "false"
  );
}

function weightOf(cluster: string, name: string): string {
  return createHash("sha256").update(`${cluster}/${name}`).digest("hex");
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
