import { parseLabelSelector } from "../../api/kube/selector/label-selector.ts";
import type { MemberStatus } from "../../api/mcs/member-status.ts";
import { type NamespacePattern, parseNamespacePattern } from "../../api/policy/namespace-rules.ts";
import type { NamespaceScope } from "../../controllers/policy/member-policy.ts";

/** Which namespaces a member's controllers share, as they say it themselves. What cannot be read is left out. */
export function toldScope({
  allow,
  deny,
  selector,
}: NonNullable<MemberStatus["policy"]>["exports"]): NamespaceScope {
  const rules = { allow: patterns(allow), deny: patterns(deny) };
  if (selector === undefined) return { rules };
  const labels = parseLabelSelector(selector);
  return labels.ok ? { rules, selector: { text: selector, labels: labels.value } } : { rules };
}

function patterns(texts: readonly string[]): readonly NamespacePattern[] {
  return texts.flatMap((text) => {
    const parsed = parseNamespacePattern(text);
    return parsed.ok ? [parsed.value] : [];
  });
}
