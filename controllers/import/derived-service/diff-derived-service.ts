import { isDeepStrictEqual } from "node:util";
import { type JsonRecord } from "../../../api/json.ts";
import type { Service } from "../../../api/kube/service.ts";
import { mergeDiff, ownedPart } from "../../reconcile/merge-diff.ts";
import { wholePatch } from "../diff-import.ts";

/**
 * Spec fields that are ours whether set or not: a value somebody added is taken out again. What the API
 * server fills in by itself (clusterIP, internalTrafficPolicy, affinity timeouts) is not among them.
 */
const OWNED_SPEC_KEYS = ["ports", "selector", "externalIPs", "trafficDistribution"];

export function diffDerivedService(observed: Service, desired: Service): JsonRecord | undefined {
  const wanted: JsonRecord = { ...desired.spec };
  const owned = [
    ...OWNED_SPEC_KEYS,
    // Rejected by the API server beside `sessionAffinity: None`, defaulted beside `ClientIP`.
    ...(desired.spec.sessionAffinity === "None" ? ["sessionAffinityConfig"] : []),
  ];
  const spec = mergeDiff(ownedPart({ ...observed.spec }, wanted, owned), wanted);
  const labels = desired.metadata.labels ?? {};
  const owners = desired.metadata.ownerReferences ?? [];
  return wholePatch(
    observed,
    {
      labels: mergeDiff(ownedPart(observed.metadata.labels, labels), labels),
      ownerReferences: isDeepStrictEqual(observed.metadata.ownerReferences, owners)
        ? undefined
        : owners,
    },
    spec === undefined ? {} : { spec },
  );
}
