import type { ClusterId } from "../../api/cluster-id.ts";
import type { Resource } from "../../api/kube/object.ts";
import {
  type AboutVersion,
  CLUSTER_ID_PROPERTY,
  CLUSTERSET_PROPERTY,
  type ClusterProperty,
  clusterProperties,
} from "../../api/mcs/cluster-property.ts";
import { LABEL_MANAGED_BY, MANAGED_BY } from "../../api/mcs/labels.ts";
import { err, ok, type Result } from "../../api/result.ts";
import type { KubeClient } from "../../runtime/kube/kube-client.ts";
import type { KubeError } from "../../runtime/kube/kube-error.ts";
import { isLeaving, leavingText } from "./leaving.ts";

export interface Membership {
  readonly clusterId: ClusterId;
  readonly clusterset: string;
}

export type MembershipError =
  | { readonly kind: "kube"; readonly error: KubeError }
  /** The cluster says it is somebody else, or in another clusterset: an admin must decide (CID-09, CID-12). */
  | { readonly kind: "contradiction"; readonly message: string }
  /** Somebody is taking the cluster out of its clusterset: nothing of ours may be written any more (CLN-04). */
  | { readonly kind: "leaving"; readonly message: string };

/**
 * Publishes the cluster's identity as ClusterProperties (CID-03, CID-06). Both values must not change during a
 * membership, so one that differs is never overwritten. The id comes first: it must exist as long as the
 * clusterset property does.
 */
export async function claimMembership(
  kube: KubeClient,
  membership: Membership,
  options: { readonly version: AboutVersion; readonly signal: AbortSignal },
): Promise<Result<void, MembershipError>> {
  const resource = clusterProperties(options.version);
  const wanted = [
    { name: CLUSTER_ID_PROPERTY, value: membership.clusterId },
    { name: CLUSTERSET_PROPERTY, value: membership.clusterset },
  ];
  for (const property of wanted) {
    const claimed = await claim(kube, resource, property, options.signal);
    if (!claimed.ok) return claimed;
  }
  return ok(undefined);
}

async function claim(
  kube: KubeClient,
  resource: Resource,
  property: { readonly name: string; readonly value: string },
  signal: AbortSignal,
): Promise<Result<void, MembershipError>> {
  const { name, value } = property;
  const existing = await kube.get<ClusterProperty>({ resource, name }, { signal });
  if (existing.ok) {
    if (isLeaving(existing.value)) return err({ kind: "leaving", message: leavingText(name) });
    const found = existing.value.spec.value;
    if (found === value) return ok(undefined);
    return err({
      kind: "contradiction",
      message: `ClusterProperty ${name} must be ${JSON.stringify(value)}, the identity this cluster joined with: got ${JSON.stringify(found)}; delete it if this cluster has left that clusterset`,
    });
  }
  if (existing.error.kind !== "not-found") return err({ kind: "kube", error: existing.error });
  const applied = await kube.apply<ClusterProperty>(
    resource,
    {
      apiVersion: `${resource.group}/${resource.version}`,
      kind: resource.kind,
      metadata: { name, labels: { [LABEL_MANAGED_BY]: MANAGED_BY } },
      spec: { value },
    },
    { signal, force: false },
  );
  return applied.ok ? ok(undefined) : err({ kind: "kube", error: applied.error });
}
