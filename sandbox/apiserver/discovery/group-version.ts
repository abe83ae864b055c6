import type { KindRegistry } from "../registry/kind-registry.ts";
import {
  type ApiResource,
  REVIEW_GROUPS,
  resourcesOfKind,
  reviewResources,
} from "./api-resource.ts";

/** One served version of an API group and its resources. */
export interface GroupVersion {
  readonly group: string;
  readonly version: string;
  readonly resources: readonly ApiResource[];
  readonly custom: boolean;
}

/** Everything served, groups in the order of discovery and the preferred version of each first. */
export function groupVersions(kinds: KindRegistry): readonly GroupVersion[] {
  const found = new Map<string, GroupVersion>();
  for (const kind of kinds.all()) {
    for (const version of kind.versions.filter((one) => one.served)) {
      const key = `${kind.group}/${version.name}`;
      const known = found.get(key);
      found.set(key, {
        group: kind.group,
        version: version.name,
        custom: kind.custom,
        resources: [...(known?.resources ?? []), ...resourcesOfKind(kind, version)],
      });
    }
  }
  for (const group of REVIEW_GROUPS) {
    found.set(`${group}/v1`, { group, version: "v1", custom: false, resources: [] });
  }
  return [...found.values()]
    .map((one) => ({
      ...one,
      resources: [...one.resources, ...reviewResources(one.group, one.version)].sort(byName),
    }))
    .sort(byPriority);
}

/** `v1`, or `group/v1`. */
export function groupVersionName({ group, version }: GroupVersion): string {
  return group === "" ? version : `${group}/${version}`;
}

/** Kubernetes' version order: v2 > v1 > v1beta2 > v1beta1 > v1alpha1 > anything else by name. */
function compareVersions(a: string, b: string): number {
  const [left, right] = [versionRank(a), versionRank(b)];
  for (let at = 0; at < left.length; at += 1) {
    const difference = (right[at] ?? 0) - (left[at] ?? 0);
    if (difference !== 0) return difference;
  }
  return a < b ? -1 : 1;
}

const BUILTIN_ORDER = [
  "",
  "apps",
  "events.k8s.io",
  "authentication.k8s.io",
  "authorization.k8s.io",
  "apiextensions.k8s.io",
  "coordination.k8s.io",
  "discovery.k8s.io",
];

function versionRank(version: string): readonly number[] {
  const match = /^v(?<major>\d+)(?:(?<stage>alpha|beta)(?<minor>\d+))?$/.exec(version);
  if (match?.groups === undefined) return [0, 0, 0];
  const { major = "0", stage, minor = "0" } = match.groups;
  const stability = stage === undefined ? 3 : stage === "beta" ? 2 : 1;
  return [stability, Number(major), Number(minor)];
}

function byPriority(a: GroupVersion, b: GroupVersion): number {
  const difference = rankOf(a.group) - rankOf(b.group);
  if (difference !== 0) return difference;
  if (a.group !== b.group) return a.group < b.group ? -1 : 1;
  return compareVersions(a.version, b.version);
}

function rankOf(group: string): number {
  const at = BUILTIN_ORDER.indexOf(group);
  return at < 0 ? BUILTIN_ORDER.length : at;
}

function byName(a: ApiResource, b: ApiResource): number {
  const [left, right] = [`${a.resource}/${a.subresource}`, `${b.resource}/${b.subresource}`];
  return left < right ? -1 : 1;
}
