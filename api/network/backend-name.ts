/**
 * Ways to reach a peer, in the order in which `auto` prefers them (design, decision 8): the fewer parts of ours are in the
 * way, the better.
 */
export const BACKEND_NAMES = ["underlay", "overlay-cni", "vxlan", "proxy"] as const;
export type BackendName = (typeof BACKEND_NAMES)[number];

export function isBackendName(value: unknown): value is BackendName {
  return BACKEND_NAMES.some((name) => name === value);
}
