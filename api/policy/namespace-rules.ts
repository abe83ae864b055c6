import { err, ok, type Result } from "../result.ts";

/** Which namespaces, by name. `deny` wins over `allow`; an empty `allow` allows all. */
export interface NamespaceRules {
  readonly allow: readonly NamespacePattern[];
  readonly deny: readonly NamespacePattern[];
}

declare const brand: unique symbol;
/** A namespace's name, or the beginning of one and `*`. */
export type NamespacePattern = string & { readonly [brand]: "NamespacePattern" };

export const ALL_NAMESPACES: NamespaceRules = { allow: [], deny: [] };

/**
 * Namespaces that belong to a distribution rather than to those who use it, and mean something else in each cluster:
 * sameness of namespaces does not hold for them (SEC-04; Lighthouse refuses the same ones).
 */
export const SYSTEM_NAMESPACES: readonly string[] = ["kube-*", "openshift", "openshift-*"];

const PATTERN = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?$|^[a-z0-9][-a-z0-9]*\*$|^\*$/;

export function parseNamespacePattern(text: string): Result<NamespacePattern, string> {
  return text.length <= 63 && PATTERN.test(text)
    ? ok(text as NamespacePattern)
    : err(
        `namespace pattern must be a namespace's name, the beginning of one and "*", or "*": got ${JSON.stringify(text.slice(0, 80))}`,
      );
}

/** Which rule denies the namespace, as a clause for people ("pattern \"kube-*\" denies it"); undefined: it is allowed. */
export function denialOf(rules: NamespaceRules, namespace: string): string | undefined {
  const denying = rules.deny.find((pattern) => matchesPattern(pattern, namespace));
  if (denying !== undefined) return `pattern ${JSON.stringify(denying)} denies it`;
  if (rules.allow.length === 0) return undefined;
  if (rules.allow.some((pattern) => matchesPattern(pattern, namespace))) return undefined;
  return `no pattern of those that are allowed (${shown(rules.allow)}) matches it`;
}

/** The pattern holds the namespace. */
export function matchesPattern(pattern: NamespacePattern, namespace: string): boolean {
  return pattern.endsWith("*") ? namespace.startsWith(pattern.slice(0, -1)) : namespace === pattern;
}

const SHOWN_MAX = 10;

function shown(patterns: readonly NamespacePattern[]): string {
  const first = patterns.slice(0, SHOWN_MAX).join(", ");
  return patterns.length > SHOWN_MAX ? `${first} and ${patterns.length - SHOWN_MAX} more` : first;
}
