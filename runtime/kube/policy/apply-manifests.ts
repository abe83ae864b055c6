import { invariant } from "../../../api/invariant.ts";
import type { KubeObject, Resource } from "../../../api/kube/object.ts";
import type { Clock } from "../../clock/clock.ts";
import { deadline } from "../../clock/deadline.ts";
import type { KubeClient } from "../kube-client.ts";
import type { KubeErrorKind } from "../kube-error.ts";

export interface ManifestOutcome {
  /** `kind name` or `kind namespace/name`, for people. */
  readonly object: string;
  /** Why the cluster did not take it; undefined when it did. */
  readonly problem: string | undefined;
}

const SILENCE: readonly KubeErrorKind[] = ["timeout", "unavailable", "aborted"];
/** All of them, with a server that is slow, or away for a while. */
const TIMEOUT_MS = 600_000;
const RBAC = { group: "rbac.authorization.k8s.io", version: "v1" };
const ADMISSION = { group: "admissionregistration.k8s.io", version: "v1" };

const APPS = { group: "apps", version: "v1", namespaced: true };

/** Of the Prometheus operator. */
const MONITORING = { group: "monitoring.coreos.com", version: "v1", namespaced: true };

/** Kinds that manifests may hold: those of api/cluster-policy, and what an install adds. */
const KINDS: readonly Resource[] = [
  { group: "", version: "v1", plural: "namespaces", kind: "Namespace", namespaced: false },
  { group: "", version: "v1", plural: "serviceaccounts", kind: "ServiceAccount", namespaced: true },
  { group: "", version: "v1", plural: "secrets", kind: "Secret", namespaced: true },
  { group: "", version: "v1", plural: "configmaps", kind: "ConfigMap", namespaced: true },
  { group: "", version: "v1", plural: "services", kind: "Service", namespaced: true },
  { ...APPS, plural: "deployments", kind: "Deployment" },
  { ...APPS, plural: "daemonsets", kind: "DaemonSet" },
  {
    group: "policy",
    version: "v1",
    plural: "poddisruptionbudgets",
    kind: "PodDisruptionBudget",
    namespaced: true,
  },
  {
    group: "networking.k8s.io",
    version: "v1",
    plural: "networkpolicies",
    kind: "NetworkPolicy",
    namespaced: true,
  },
  { ...MONITORING, plural: "podmonitors", kind: "PodMonitor" },
  { ...MONITORING, plural: "prometheusrules", kind: "PrometheusRule" },
  { ...RBAC, plural: "clusterroles", kind: "ClusterRole", namespaced: false },
  { ...RBAC, plural: "clusterrolebindings", kind: "ClusterRoleBinding", namespaced: false },
  { ...RBAC, plural: "roles", kind: "Role", namespaced: true },
  { ...RBAC, plural: "rolebindings", kind: "RoleBinding", namespaced: true },
  {
    ...ADMISSION,
    plural: "validatingadmissionpolicies",
    kind: "ValidatingAdmissionPolicy",
    namespaced: false,
  },
  {
    ...ADMISSION,
    plural: "validatingadmissionpolicybindings",
    kind: "ValidatingAdmissionPolicyBinding",
    namespaced: false,
  },
];

export function resourceOf(object: KubeObject): Resource {
  const found = KINDS.find(
    ({ kind, group, version }) =>
      kind === object.kind &&
      object.apiVersion === (group === "" ? version : `${group}/${version}`),
  );
  invariant(found !== undefined, "a manifest of a known kind", {
    apiVersion: object.apiVersion,
    kind: object.kind,
  });
  return found;
}

/**
 * Server-side apply of each object in order. One that is refused does not stop the others: a cluster without
 * admission policies (before Kubernetes 1.30) still gets the roles, and its admin hears what it did not get. A server that does not
 * answer does: the others are not among the outcomes then.
 */
export async function applyManifests(
  objects: readonly KubeObject[],
  deps: { readonly client: Pick<KubeClient, "apply">; readonly clock: Clock },
  signal: AbortSignal,
): Promise<readonly ManifestOutcome[]> {
  using limit = deadline(deps.clock, TIMEOUT_MS, signal);
  const outcomes: ManifestOutcome[] = [];
  for (const object of objects) {
    const { namespace, name } = object.metadata;
    const applied = await deps.client.apply(resourceOf(object), object, { signal: limit.signal });
    outcomes.push({
      object: `${object.kind} ${namespace === undefined ? name : `${namespace}/${name}`}`,
      problem: applied.ok ? undefined : applied.error.message,
    });
    if (!applied.ok && SILENCE.includes(applied.error.kind)) break;
  }
  return outcomes;
}
