import { isTerminating, type Namespace } from "../../api/kube/namespace.ts";
import { matchesLabels } from "../../api/kube/selector/label-selector.ts";
import type { Service } from "../../api/kube/service.ts";
import { ANNOTATION_AUTO_EXPORT } from "../../api/mcs/labels.ts";
import type { ServiceExport } from "../../api/mcs/service-export.ts";
import {
  matchesPattern,
  parseNamespacePattern,
  SYSTEM_NAMESPACES,
} from "../../api/policy/namespace-rules.ts";
import { objectKey } from "../../runtime/kube/object-view.ts";
import { exportVerdict } from "../export/export-verdict.ts";
import { type AutoExportRules, type NamespaceScope, scopeDenial } from "../policy/member-policy.ts";
import { isOwn } from "../reconcile/is-own.ts";

/** What there is, as it is now. */
export interface AutoExportWorld {
  readonly rules: AutoExportRules;
  /** Namespaces whose exports leave the cluster. */
  readonly scope: NamespaceScope;
  readonly namespaces: Iterable<Namespace>;
  readonly services: Iterable<Service>;
  /** All of the cluster; those that are ours are told apart by their label. */
  readonly exports: Iterable<ServiceExport>;
}

export type Quota = "namespace" | "cluster";

export interface AutoExports {
  /** Services that are to have an export of ours, or have one: as many as the quota allows. */
  readonly chosen: readonly Service[];
  /** Of those, the ones that have none yet. */
  readonly missing: readonly Service[];
  /** Services that match and are not exported, with the quota that is used up. */
  readonly leftOut: readonly { readonly service: Service; readonly quota: Quota }[];
  /** Services that match, and that somebody exports himself: they count in no quota. */
  readonly byUsers: readonly Service[];
  /** Exports of ours that nothing asks for any more. */
  readonly obsolete: readonly ServiceExport[];
}

/**
 * Which Services are exported by their labels. What is exported already keeps its place, so that nothing that comes later takes
 * it away; then the oldest Service goes first, ties by name. The same world gives the same answer, and a world in which the
 * answer has been carried out gives it again.
 */
export function decideAutoExports(world: AutoExportWorld): AutoExports {
  const { rules } = world;
  const exports = new Map([...world.exports].map((one) => [objectKey(one), one]));
  const matching = servicesThatMatch(world);
  const byUsers = matching.filter((service) => {
    const found = exports.get(objectKey(service));
    return found !== undefined && !isOwn(found);
  });
  const users = new Set(byUsers);
  const hasOurs = (service: Service): boolean => isStanding(exports.get(objectKey(service)));
  const candidates = matching.filter((service) => !users.has(service)).toSorted(byAge);
  const inTurn = [...candidates.filter(hasOurs), ...candidates.filter((one) => !hasOurs(one))];
  const chosen: Service[] = [];
  const leftOut: { readonly service: Service; readonly quota: Quota }[] = [];
  const taken = new Map<string, number>();
  for (const service of inTurn) {
    const { namespace = "" } = service.metadata;
    const inNamespace = taken.get(namespace) ?? 0;
    if (inNamespace >= rules.perNamespace) leftOut.push({ service, quota: "namespace" });
    else if (chosen.length >= rules.perCluster) leftOut.push({ service, quota: "cluster" });
    else {
      chosen.push(service);
      taken.set(namespace, inNamespace + 1);
    }
  }
  const wanted = new Set(chosen.map(objectKey));
  return {
    chosen,
    // One that is being deleted has the name until it is gone.
    missing: chosen.filter((service) => !exports.has(objectKey(service))),
    leftOut,
    byUsers,
    obsolete: [...exports.values()].filter((one) => isStanding(one) && !wanted.has(objectKey(one))),
  };
}

function isStanding(found: ServiceExport | undefined): boolean {
  return found !== undefined && isOwn(found) && found.metadata.deletionTimestamp === undefined;
}

function servicesThatMatch(world: AutoExportWorld): readonly Service[] {
  const { rules, scope } = world;
  const open = new Set<string>();
  for (const namespace of world.namespaces) {
    const { name, labels = {} } = namespace.metadata;
    if (isTerminating(namespace) || isSystem(name) || hasOptedOut(namespace)) continue;
    if (scopeDenial(scope, namespace) !== undefined) continue;
    if (rules.namespaces === undefined || matchesLabels(rules.namespaces, labels)) open.add(name);
  }
  return [...world.services].filter((service) => {
    const { namespace = "", name, labels = {} } = service.metadata;
    // The API server's own is in every cluster, and means another one in each; so are ours.
    const isApiServer = namespace === "default" && name === "kubernetes";
    const isPartOfUs = labels["app.kubernetes.io/part-of"] === "isthmus";
    if (isApiServer || isPartOfUs || !open.has(namespace) || hasOptedOut(service)) return false;
    return exportVerdict(name, service).kind === "valid" && matchesLabels(rules.services, labels);
  });
}

const SYSTEM = SYSTEM_NAMESPACES.map(parseNamespacePattern);

/** Whatever the policy allows to be exported by hand (SEC-04). */
function isSystem(namespace: string): boolean {
  return SYSTEM.some((pattern) => pattern.ok && matchesPattern(pattern.value, namespace));
}

function hasOptedOut({ metadata }: Pick<Service, "metadata">): boolean {
  return metadata.annotations?.[ANNOTATION_AUTO_EXPORT] === "false";
}

function byAge(a: Service, b: Service): number {
  const [ageA, ageB] = [a, b].map(({ metadata }) => metadata.creationTimestamp ?? "");
  if (ageA !== ageB) return (ageA ?? "") < (ageB ?? "") ? -1 : 1;
  return objectKey(a) < objectKey(b) ? -1 : 1;
}
