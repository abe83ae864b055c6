import type { Namespace } from "../../../api/kube/namespace.ts";
import { parseLabelSelector } from "../../../api/kube/selector/label-selector.ts";
import type { MemberStatus } from "../../../api/mcs/member-status.ts";
import {
  type NamespacePattern,
  parseNamespacePattern,
} from "../../../api/policy/namespace-rules.ts";
import { scopeDenial } from "../../../controllers/policy/member-policy.ts";
import { type Check, notNeeded, notTested, right, wrong } from "../finding.ts";

/** Does this cluster share the namespace? (IMP-36, SEC-04) */
export const checkPolicy: Check = ({ controllers, namespaceObject, serviceExport, namespace }) => {
  if (!controllers.ok) return notTested(controllers.error);
  const policy = controllers.value?.status.policy;
  if (policy === undefined) return notTested("no controllers say which namespaces they share");
  if (!namespaceObject.ok) return notTested(namespaceObject.error);
  if (namespaceObject.value === undefined) return notNeeded("there is no such namespace");
  const isExported = serviceExport.ok && serviceExport.value !== undefined;
  const leaving = isExported ? denial(policy.exports, namespaceObject.value) : undefined;
  if (leaving !== undefined) {
    return wrong(
      `this cluster's policy keeps exports of namespace ${namespace} here: ${leaving}`,
      "change --export-allow, --export-deny or --export-selector of isthmus controllers, or export from another namespace",
    );
  }
  const coming = denial(policy.imports, namespaceObject.value);
  if (coming !== undefined) {
    return wrong(
      `this cluster's policy imports nothing into namespace ${namespace}: ${coming}`,
      "change --import-allow, --import-deny or --import-selector of isthmus controllers",
    );
  }
  return right(
    "the namespace is shared by this cluster; what the hub's policy says shows on exports",
  );
};

type Scope = NonNullable<MemberStatus["policy"]>["exports"];

function denial({ allow, deny, selector }: Scope, namespace: Namespace): string | undefined {
  const rules = { allow: patterns(allow), deny: patterns(deny) };
  if (selector === undefined) return scopeDenial({ rules }, namespace);
  const labels = parseLabelSelector(selector);
  const read = labels.ok ? { selector: { text: selector, labels: labels.value } } : {};
  return scopeDenial({ rules, ...read }, namespace);
}

function patterns(texts: readonly string[]): readonly NamespacePattern[] {
  return texts.flatMap((text) => {
    const parsed = parseNamespacePattern(text);
    return parsed.ok ? [parsed.value] : [];
  });
}
