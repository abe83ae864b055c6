import { type ClusterId, parseClusterId } from "../../../api/cluster-id.ts";

/** What an item of the space is, as its name says. */
export type ItemName =
  | { readonly kind: "meta" }
  /** What stands for the beginning of a cluster's log. */
  | { readonly kind: "head"; readonly cluster: ClusterId }
  | { readonly kind: "log"; readonly cluster: ClusterId; readonly index: number }
  /** Stands for entries up to `covered`, together with other parts. */
  | { readonly kind: "part"; readonly cluster: ClusterId; readonly covered: number }
  | { readonly kind: "replica"; readonly id: string };

export const META_NAME = "meta";
const DIGITS = 12;

export function headName(cluster: ClusterId): string {
  return `head.${cluster}`;
}

/** Indexes sort as text. */
export function logName(cluster: ClusterId, index: number): string {
  return `log.${cluster}.${padded(index)}`;
}

/** `unique` tells apart what several replicas write at once. */
export function partName(cluster: ClusterId, covered: number, unique: string): string {
  return `part.${cluster}.${padded(covered)}.${unique}`;
}

export function replicaName(id: string): string {
  return `replica.${id}`;
}

/** Undefined: not an item of this version of the program. */
export function parseItemName(name: string): ItemName | undefined {
  if (name === META_NAME) return { kind: "meta" };
  const [kind, second = "", third = "", ...rest] = name.split(".");
  if (kind === "replica" && second !== "" && third === "") return { kind, id: second };
  const cluster = parseClusterId(second);
  if (!cluster.ok) return undefined;
  if (kind === "head" && third === "") return { kind, cluster: cluster.value };
  const index = /^\d{12}$/.test(third) ? Number(third) : undefined;
  if (index === undefined) return undefined;
  if (kind === "log" && rest.length === 0) return { kind, cluster: cluster.value, index };
  if (kind === "part" && rest.length === 1) return { kind, cluster: cluster.value, covered: index };
  return undefined;
}

function padded(index: number): string {
  return String(index).padStart(DIGITS, "0");
}
