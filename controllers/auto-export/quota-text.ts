import type { AutoExportRules } from "../policy/member-policy.ts";
import type { Quota } from "./decide-auto-exports.ts";

/** Which quota keeps a Service from being exported by its labels, as a clause for people. */
export function quotaText(
  quota: Quota,
  { perNamespace, perCluster }: Pick<AutoExportRules, "perNamespace" | "perCluster">,
): string {
  return quota === "namespace"
    ? `the quota of its namespace, ${perNamespace}, is used up`
    : `the quota of the cluster, ${perCluster}, is used up`;
}
