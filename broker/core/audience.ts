import type { ClusterId } from "../../api/cluster-id.ts";

/** The clusters besides its owner that may see a row; undefined: all. */
export type Audience = ReadonlySet<ClusterId> | undefined;

export const NOBODY: ReadonlySet<ClusterId> = new Set<ClusterId>();

export function includes(audience: Audience, cluster: ClusterId): boolean {
  return audience === undefined || audience.has(cluster);
}

/** Somebody of `before` is not in `now`. */
export function narrows(before: Audience, now: Audience): boolean {
  if (now === undefined) return false;
  return before === undefined || [...before].some((cluster) => !now.has(cluster));
}

export function union(a: Audience, b: Audience): Audience {
  return a === undefined || b === undefined ? undefined : new Set([...a, ...b]);
}
