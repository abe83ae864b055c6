import { isTerminating, type Namespace } from "../../api/kube/namespace.ts";
import { type LabelSelector, matchesLabels } from "../../api/kube/selector/label-selector.ts";
import { ALL_NAMESPACES, denialOf, type NamespaceRules } from "../../api/policy/namespace-rules.ts";

/** What this cluster shares, as its own administrators have it (IMP-36, SEC-04); the hub may allow less. */
export interface MemberPolicy {
  /** Namespaces whose exports leave this cluster. */
  readonly exports: NamespaceScope;
  /** Namespaces that get imports: of no others are rows of other clusters even asked for (I2). */
  readonly imports: NamespaceScope;
  /** Services that are exported by their labels, without anybody's ServiceExport; absent: none. */
  readonly autoExport?: AutoExportRules;
}

/** Which Services are exported by their labels, and how many at most. */
export interface AutoExportRules {
  /** Of Services. */
  readonly services: LabelSelector;
  /** Of the namespaces they are in; absent: any. */
  readonly namespaces?: LabelSelector;
  readonly perNamespace: number;
  readonly perCluster: number;
}

export interface NamespaceScope {
  readonly rules: NamespaceRules;
  /** Namespaces must carry these labels too. */
  readonly selector?: { readonly text: string; readonly labels: LabelSelector };
}

export const SHARE_EVERYTHING: MemberPolicy = {
  exports: { rules: ALL_NAMESPACES },
  imports: { rules: ALL_NAMESPACES },
};

/** Which rule keeps a namespace out, as a clause for people; undefined: none does. */
export function scopeDenial(scope: NamespaceScope, { metadata }: Namespace): string | undefined {
  const denial = denialOf(scope.rules, metadata.name);
  if (denial !== undefined || scope.selector === undefined) return denial;
  const { labels, text } = scope.selector;
  return matchesLabels(labels, metadata.labels ?? {})
    ? undefined
    : `its labels do not match the selector ${JSON.stringify(text)}`;
}

/** Rows of other clusters are wanted for it (IMP-03). */
export function isImported(policy: MemberPolicy, namespace: Namespace): boolean {
  return !isTerminating(namespace) && scopeDenial(policy.imports, namespace) === undefined;
}

/** Living namespaces that the policy keeps out, by direction. */
export function deniedNamespaces(
  policy: MemberPolicy,
  namespaces: Iterable<Namespace>,
): { readonly export: readonly string[]; readonly import: readonly string[] } {
  const living = [...namespaces].filter((namespace) => !isTerminating(namespace));
  const denied = (scope: NamespaceScope): readonly string[] =>
    living.filter((one) => scopeDenial(scope, one) !== undefined).map((one) => one.metadata.name);
  return { export: denied(policy.exports), import: denied(policy.imports) };
}

/** Nothing that is decided by it differs between these two states of a namespace. */
export function isSameToPolicy(
  policy: MemberPolicy,
  before: Namespace | undefined,
  after: Namespace | undefined,
): boolean {
  return verdictOf(policy, before) === verdictOf(policy, after);
}

function verdictOf(policy: MemberPolicy, namespace: Namespace | undefined): string {
  if (namespace === undefined || isTerminating(namespace)) return "absent";
  return JSON.stringify([
    scopeDenial(policy.exports, namespace) ?? "",
    scopeDenial(policy.imports, namespace) ?? "",
  ]);
}
