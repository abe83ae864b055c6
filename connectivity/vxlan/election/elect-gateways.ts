import { createHash } from "node:crypto";
import type { Node } from "../../../api/kube/node.ts";

/** On a Node: with value "true" it is a gateway, whatever others are; with "false" it never is one. */
export const LABEL_GATEWAY = "isthmus.dev/gateway";
/** How many are chosen where no node has the label. */
const GATEWAYS_DEFAULT = 2;

export interface ElectionOptions {
  /** Whether a gateway's process on the node was heard of lately. */
  readonly isRunning?: (node: string) => boolean;
  /** How many are chosen where no node has the label. */
  readonly count?: number;
}

/**
 * Names of the nodes that are gateways, sorted: all that are labelled; where none is, `count` of those that are ready, take
 * pods and run one. The choice is by rendezvous hashing (highest random weight): when a node comes or goes at most one gateway
 * changes, and everybody who looks at the same nodes chooses the same. A labelled node that is not ready stays chosen: who
 * labels decides, and probes keep traffic off it. Where no node is as it should be, those that only run a gateway are chosen,
 * then those that are only ready, then any: an API server that comes back knows old news of all, and their kernels go on.
 */
export function electGateways(
  nodes: readonly Node[],
  cluster: string,
  { isRunning = () => true, count = GATEWAYS_DEFAULT }: ElectionOptions = {},
): readonly string[] {
  const labelled = nodes.filter(({ metadata }) => metadata.labels?.[LABEL_GATEWAY] === "true");
  if (labelled.length > 0) return labelled.map(({ metadata }) => metadata.name).sort();
  const allowed = nodes.filter(({ metadata }) => metadata.labels?.[LABEL_GATEWAY] !== "false");
  const flaws = (node: Node): number =>
    (isRunning(node.metadata.name) ? 0 : 2) + (isUsable(node) ? 0 : 1);
  const fewest = Math.min(...allowed.map(flaws));
  return allowed
    .filter((node) => flaws(node) === fewest)
    .map(({ metadata: { name } }) => ({ name, weight: weightOf(cluster, name) }))
    .sort((a, b) => (a.weight === b.weight ? compare(a.name, b.name) : compare(b.weight, a.weight)))
    .slice(0, count)
    .map(({ name }) => name)
    .sort();
}

function isUsable({ spec, status }: Node): boolean {
  const isReady = status?.conditions?.some(
    ({ type, status: value }) => type === "Ready" && value === "True",
  );
  return isReady === true && spec?.unschedulable !== true;
}

function weightOf(cluster: string, name: string): string {
  return createHash("sha256").update(`${cluster}/${name}`).digest("hex");
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
