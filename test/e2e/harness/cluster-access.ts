import { writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { AuthenticationV1Api, CoreV1Api, KubeConfig } from "@kubernetes/client-node";
import { LEASES, type Lease } from "../../../api/kube/lease.ts";
import type { KubeObject } from "../../../api/kube/object.ts";
import { connectKube } from "../../../cli/cluster/connect-kube.ts";
import { resourceOf } from "../../../runtime/kube/policy/apply-manifests.ts";
import { readClusterPolicy } from "../../../runtime/kube/policy/read-cluster-policy.ts";
import {
  renderClusterPolicy,
  SHIPPED_NAMES,
} from "../../../runtime/kube/policy/render-cluster-policy.ts";
import { silentMeter } from "../../../runtime/metrics/silent-meter.ts";
import type {
  KubeCredentials,
  MemberPlan,
} from "../../../sandbox/clusterset/clusterset-processes.ts";
import { chartObjectsAtRest } from "./chart-objects-at-rest.ts";
import type { E2eCluster } from "./e2e-cluster.ts";
import { mustRunCli } from "./run-cli.ts";
import { runOptions } from "./run-options.ts";

const TOKEN_SECONDS = 6 * 3_600;
const MANIFESTS = fileURLToPath(new URL("../../../api/cluster-policy", import.meta.url));

/**
 * Roles and admission policies in an existing cluster, and a kubeconfig for each of our processes that holds nothing but its
 * service account: so the whole suite shows that the roles suffice (SEC-08). The suite's own user may write what
 * the policies keep for controllers: it edits imports to see them repaired.
 */
export async function installAccess(member: MemberPlan): Promise<void> {
  const { credentials, kubeconfig, context } = member;
  if (credentials === undefined) return;
  const admin = new KubeConfig();
  admin.loadFromFile(kubeconfig);
  admin.setCurrentContext(context);
  const review = await admin
    .makeApiClient(AuthenticationV1Api)
    .createSelfSubjectReview({ body: {} });
  const me = review.status?.userInfo?.username;
  if (me === undefined)
    throw new Error(`context ${context}: the API server does not say who we are`);
  if (runOptions()?.charts === true) await applyChart(member, me);
  else {
    const kube = ["--kubeconfig", kubeconfig, "--context", context];
    await mustRunCli(["manifests", "--apply", ...kube, "--allow-users", me]);
  }
  const { namespace, controllersServiceAccount, dnsServiceAccount } = SHIPPED_NAMES;
  await writeAccess(admin, credentials.controllers, namespace, controllersServiceAccount);
  await writeAccess(admin, credentials.dns, namespace, dnsServiceAccount);
}

/** Every object of the chart must be taken, as `kubectl apply` of what helm renders takes it. */
async function applyChart({ id, kubeconfig, context }: MemberPlan, me: string): Promise<void> {
  const kube = connectKube({ kubeconfig, context }, process.env, silentMeter);
  if (!kube.ok) throw new Error(kube.error);
  const { client } = kube.value;
  const { signal } = new AbortController();
  const { namespace: name } = SHIPPED_NAMES;
  const namespace = { apiVersion: "v1", kind: "Namespace", metadata: { name } };
  for (const object of [namespace, ...(await chartObjectsAtRest(name, id, [me]))]) {
    const applied = await client.apply(resourceOf(object), object, { signal });
    if (!applied.ok) {
      throw new Error(
        `cannot apply ${object.kind} ${object.metadata.name}: ${applied.error.message}`,
      );
    }
  }
}

/** A kubeconfig with one context, whose user is a service account. */
export async function writeAccess(
  admin: KubeConfig,
  { kubeconfig, context }: KubeCredentials,
  namespace: string,
  name: string,
): Promise<void> {
  const cluster = admin.getCurrentCluster();
  if (cluster === null) throw new Error(`context ${admin.getCurrentContext()} has no cluster`);
  const { status } = await admin.makeApiClient(CoreV1Api).createNamespacedServiceAccountToken({
    namespace,
    name,
    body: { spec: { audiences: [], expirationSeconds: TOKEN_SECONDS } },
  });
  const config = new KubeConfig();
  config.loadFromOptions({
    clusters: [cluster],
    users: [{ name, token: status?.token }],
    contexts: [{ name: context, cluster: cluster.name, user: name }],
    currentContext: context,
  });
  writeFileSync(kubeconfig, config.exportConfig(), { mode: 0o600 });
}

/**
 * Policies first: with the roles gone nobody could get past them. The namespace stays, as after `isthmus leave`; Leases in it
 * are those of processes that have stopped.
 */
export async function removeAccess(cluster: E2eCluster): Promise<void> {
  const { namespace: ours } = SHIPPED_NAMES;
  for (const { metadata } of await cluster.list<Lease>(LEASES, ours, "")) {
    await cluster.remove(LEASES, ours, metadata.name);
  }
  const policy = renderClusterPolicy(readClusterPolicy(MANIFESTS), SHIPPED_NAMES);
  if (!policy.ok) throw new Error(policy.error);
  const objects =
    runOptions()?.charts === true ? await chartObjectsAtRest(ours, cluster.id, []) : policy.value;
  const policiesFirst = objects.toSorted((a, b) => Number(isPolicy(b)) - Number(isPolicy(a)));
  for (const object of policiesFirst) {
    const { namespace, name } = object.metadata;
    if (object.kind !== "Namespace") await cluster.remove(resourceOf(object), namespace, name);
  }
}

function isPolicy({ kind }: KubeObject): boolean {
  return kind.startsWith("ValidatingAdmissionPolicy");
}
