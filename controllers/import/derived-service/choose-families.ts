import type { IpFamily, Service } from "../../../api/kube/service.ts";
import type { ServiceImport } from "../../../api/mcs/service-import.ts";
import type { MergedService } from "../../merge/merge-exports.ts";
import { isOwn } from "../../reconcile/is-own.ts";

/**
 * Families to ask for: the merged ones that this cluster can route, in the winner's order (IMP-20). An address in
 * use stays (VIP-02, I5): the first family of a Service with an address cannot change, so it stays first, and stays
 * even when the merge no longer has it, beside those it has.
 * @returns empty when this cluster can route none of the merged ones.
 */
export function chooseFamilies(
  merged: Pick<MergedService, "type" | "ipFamilies">,
  local: readonly IpFamily[],
  standing: {
    readonly serviceImport: ServiceImport | undefined;
    readonly derived: Service | undefined;
  },
): readonly IpFamily[] {
  // Older peers say nothing of families: whatever is routed here (VER-08).
  const wanted =
    merged.ipFamilies.length === 0
      ? local
      : merged.ipFamilies.filter((family) => local.includes(family));
  if (merged.type === "Headless" || wanted.length === 0) return wanted;
  const { serviceImport, derived } = standing;
  if (derived !== undefined && isOwn(derived) && derived.spec.clusterIP !== "None") {
    return withFirst(derived.spec.ipFamilies?.[0], wanted);
  }
  // The Service is gone, but its address is to be had again.
  const before = serviceImport?.spec;
  const first = (before?.ips ?? []).length > 0 ? before?.ipFamilies?.[0] : undefined;
  return first !== undefined && wanted.includes(first) ? withFirst(first, wanted) : wanted;
}

function withFirst(
  first: IpFamily | undefined,
  families: readonly IpFamily[],
): readonly IpFamily[] {
  return first === undefined ? families : [first, ...families.filter((family) => family !== first)];
}
