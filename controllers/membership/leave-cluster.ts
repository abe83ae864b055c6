import { ENDPOINT_SLICES } from "../../api/kube/endpoint-slice.ts";
import { LEASES } from "../../api/kube/lease.ts";
import type { KubeObject, Resource } from "../../api/kube/object.ts";
import { SERVICES } from "../../api/kube/service.ts";
import {
  type AboutVersion,
  CLUSTER_ID_PROPERTY,
  CLUSTERSET_PROPERTY,
  type ClusterProperty,
  clusterProperties,
} from "../../api/mcs/cluster-property.ts";
import { LABEL_MANAGED_BY, MANAGED_BY } from "../../api/mcs/labels.ts";
import {
  type McsVersion,
  type ServiceExport,
  serviceExports,
} from "../../api/mcs/service-export.ts";
import { serviceImports } from "../../api/mcs/service-import.ts";
import { MEMBER_NETWORKS, PATH_REPORTS, PEERS, SLICES } from "../../api/network/resources.ts";
import { err, ok, type Result } from "../../api/result.ts";
import type { Clock } from "../../runtime/clock/clock.ts";
import { sleep } from "../../runtime/clock/sleep.ts";
import type { KubeClient } from "../../runtime/kube/kube-client.ts";
import type { KubeError } from "../../runtime/kube/kube-error.ts";
import { listAll } from "../../runtime/kube/list-all.ts";
import { OwnObjects } from "../reconcile/own-objects.ts";
import { ANNOTATION_LEAVING } from "./leaving.ts";

export interface LeaveClusterOptions {
  readonly mcsVersion: McsVersion;
  readonly aboutVersion: AboutVersion;
  /** Forgets who this cluster was. */
  readonly forgetIdentity: () => Promise<Result<undefined, string>>;
  readonly signal: AbortSignal;
}

/** What was removed, by plural of its kind. */
export type Receipt = ReadonlyMap<string, readonly string[]>;

/** Our conditions on exports: nobody keeps them true any more. */
const CONDITIONS: readonly string[] = ["Valid", "Ready", "Conflict"];
/** Running controllers see within this time that the cluster leaves. */
const SETTLE_MS = 2_000;
const PASSES_MAX = 10;

/**
 * Removes everything of ours from a cluster (CLN-04, CLN-11): imports, derived Services, slices, Leases, Peers, reports of paths, conditions on
 * exports, and last the properties that say it is a member (CID-06). ServiceExports that users wrote are theirs and stay, definitions
 * too; those that auto-export made go. Running controllers are told first, by a mark on the clusterset's property, and stop writing. The identity goes while that
 * mark is there: controllers that are started anew find the mark or no identity, and never claim the properties again. May be repeated.
 */
export async function leaveCluster(
  kube: KubeClient,
  options: LeaveClusterOptions,
  clock: Clock,
): Promise<Result<Receipt, string>> {
  const marked = await markLeaving(kube, clusterProperties(options.aboutVersion), options.signal);
  if (!marked.ok) return err(marked.error.message);
  const forgotten = await options.forgetIdentity();
  if (!forgotten.ok) return forgotten;
  const removed = await removeAll(kube, options, clock);
  return removed.ok ? removed : err(removed.error.message);
}

async function removeAll(
  kube: KubeClient,
  { mcsVersion, aboutVersion, signal }: Omit<LeaveClusterOptions, "forgetIdentity">,
  clock: Clock,
): Promise<Result<Receipt, KubeError>> {
  const receipt = new Map<string, string[]>();
  const properties = clusterProperties(aboutVersion);
  const networks = [PEERS, MEMBER_NETWORKS, SLICES];
  const made = [serviceExports(mcsVersion), serviceImports(mcsVersion)];
  const kinds = [...made, ENDPOINT_SLICES, SERVICES, LEASES, ...networks];
  // What controllers had under way when they were told may still arrive: so until nothing is found any more.
  for (let pass = 0; ; pass++) {
    const removed = await removeOwn(kube, kinds, { receipt, signal });
    if (!removed.ok) return removed;
    if (removed.value === 0 && pass > 0) break;
    if (pass === PASSES_MAX) {
      const message = `objects of ours keep coming back: removed ${removed.value} more in pass ${pass}: is another instance running?`;
      return err({ kind: "conflict", message });
    }
    await sleep(clock, SETTLE_MS, signal);
  }
  // Gateways and proxies that run on have seen meanwhile that there is no MemberNetwork, and write no more.
  const reports = await removeOwn(kube, [PATH_REPORTS], { receipt, signal });
  if (!reports.ok) return reports;
  const cleared = await clearConditions(kube, serviceExports(mcsVersion), { receipt, signal });
  if (!cleared.ok) return cleared;
  // The id must exist as long as the clusterset's property does (CID-03).
  for (const name of [CLUSTERSET_PROPERTY, CLUSTER_ID_PROPERTY]) {
    const gone = await removeProperty(kube, { properties, name }, { receipt, signal });
    if (!gone.ok) return gone;
  }
  return ok(receipt);
}

interface Notes {
  readonly receipt: Map<string, string[]>;
  readonly signal: AbortSignal;
}

async function markLeaving(
  kube: KubeClient,
  resource: Resource,
  signal: AbortSignal,
): Promise<Result<void, KubeError>> {
  const marked = await kube.mergePatch(
    { resource, name: CLUSTERSET_PROPERTY },
    { metadata: { annotations: { [ANNOTATION_LEAVING]: "true" } } },
    { signal },
  );
  return marked.ok || isAbsent(marked.error) ? ok(undefined) : marked;
}

function isAbsent({ kind }: KubeError): boolean {
  return kind === "not-found" || kind === "no-such-resource";
}

/** @returns how many were there. */
async function removeOwn(
  kube: KubeClient,
  kinds: readonly Resource[],
  { receipt, signal }: Notes,
): Promise<Result<number, KubeError>> {
  const objects = new OwnObjects(kube);
  let count = 0;
  for (const resource of kinds) {
    const labelSelector = `${LABEL_MANAGED_BY}=${MANAGED_BY}`;
    const found = await listAll<KubeObject>(kube, resource, { labelSelector }, signal);
    // Definitions that are gone have taken their objects along.
    if (!found.ok && found.error.kind === "no-such-resource") continue;
    if (!found.ok) return found;
    for (const object of found.value) {
      const removed = await objects.remove(resource, object, signal);
      if (!removed.ok) return removed;
      note(receipt, resource, object);
    }
    count += found.value.length;
  }
  return ok(count);
}

async function clearConditions(
  kube: KubeClient,
  resource: Resource,
  { receipt, signal }: Notes,
): Promise<Result<void, KubeError>> {
  const found = await listAll<ServiceExport>(kube, resource, {}, signal);
  if (!found.ok) return found.error.kind === "no-such-resource" ? ok(undefined) : found;
  for (const { metadata, status } of found.value) {
    const conditions = status?.conditions ?? [];
    const others = conditions.filter(({ type }) => !CONDITIONS.includes(type));
    if (others.length === conditions.length) continue;
    const { namespace = "", name, resourceVersion } = metadata;
    const cleared = await kube.mergePatch(
      { resource, namespace, name },
      { metadata: { resourceVersion }, status: { conditions: others } },
      { signal, subresource: "status" },
    );
    if (!cleared.ok && cleared.error.kind !== "not-found") return cleared;
    note(receipt, { plural: "conditions of serviceexports" }, { metadata });
  }
  return ok(undefined);
}

async function removeProperty(
  kube: KubeClient,
  { properties, name }: { readonly properties: Resource; readonly name: string },
  { receipt, signal }: Notes,
): Promise<Result<void, KubeError>> {
  const found = await kube.get<ClusterProperty>({ resource: properties, name }, { signal });
  if (!found.ok) return isAbsent(found.error) ? ok(undefined) : found;
  // An id that somebody else wrote is the cluster's own and outlives the membership (CID-03).
  if (found.value.metadata.labels?.[LABEL_MANAGED_BY] !== MANAGED_BY) return ok(undefined);
  const removed = await new OwnObjects(kube).remove(properties, found.value, signal);
  if (removed.ok) note(receipt, properties, found.value);
  return removed;
}

function note(
  receipt: Map<string, string[]>,
  { plural }: Pick<Resource, "plural">,
  { metadata: { namespace, name } }: Pick<KubeObject, "metadata">,
): void {
  const names = receipt.get(plural) ?? [];
  const full = namespace === undefined ? name : `${namespace}/${name}`;
  if (!names.includes(full)) names.push(full);
  receipt.set(plural, names);
}
