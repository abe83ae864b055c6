import { z } from "zod";
import { LEASES, type Lease } from "../../api/kube/lease.ts";
import type { KubeObject, Resource } from "../../api/kube/object.ts";
import {
  CLUSTER_ID_PROPERTY,
  CLUSTERSET_PROPERTY,
  type ClusterProperty,
  clusterProperties,
} from "../../api/mcs/cluster-property.ts";
import { LABEL_MANAGED_BY, LABEL_SOURCE_CLUSTER, MANAGED_BY } from "../../api/mcs/labels.ts";
import { MCS_VERSIONS, type ServiceExport, serviceExports } from "../../api/mcs/service-export.ts";
import { type ServiceImport, serviceImports } from "../../api/mcs/service-import.ts";
import { LOCAL_NETWORK } from "../../api/network/member-network.ts";
import { parseMemberNetwork, parsePeer } from "../../api/network/parse-network-objects.ts";
import type { Peer } from "../../api/network/peer.ts";
import { MEMBER_NETWORKS, PEERS } from "../../api/network/resources.ts";
import { ok, type Result } from "../../api/result.ts";
import { systemClock } from "../../runtime/clock/system-clock.ts";
import { kubeSettings } from "../../runtime/config/common-settings.ts";
import type { KubeClient } from "../../runtime/kube/kube-client.ts";
import type { KubeError } from "../../runtime/kube/kube-error.ts";
import { listAll } from "../../runtime/kube/list-all.ts";
import { silentMeter } from "../../runtime/metrics/silent-meter.ts";
import { connectKube } from "../connect-kube.ts";
import { memberReport } from "../status/member-report.ts";
import { statusText } from "../status/status-text.ts";
import { SYSTEM_NAMESPACE } from "../system-namespace.ts";
import { defineVerb } from "../verb.ts";

export const statusVerb = defineVerb({
  summary:
    "show a member's membership, other clusters, exports and imports, as its API server holds them",
  settings: z.object({
    ...kubeSettings,
    namespace: z
      .string()
      .default(SYSTEM_NAMESPACE)
      .describe("namespace of the Leases of other clusters"),
    output: z.enum(["text", "json"]).default("text").describe("text or json"),
  }),
  async run({ settings, signal, env, out }) {
    const kube = connectKube(settings, env, silentMeter);
    if (!kube.ok) {
      out.problem(kube.error);
      return 1;
    }
    const read = await readMember(kube.value.client, settings.namespace, signal);
    if (!read.ok) {
      out.problem(read.error.message);
      return 1;
    }
    const report = memberReport({ ...read.value, nowMs: systemClock.nowMs() });
    out.line(settings.output === "json" ? JSON.stringify(report, null, 2) : statusText(report));
    return 0;
  },
});

interface MemberObjects {
  readonly clusterId: string | undefined;
  readonly clusterset: string | undefined;
  readonly exports: readonly ServiceExport[];
  readonly imports: readonly ServiceImport[];
  readonly leases: readonly Lease[];
  readonly peers: readonly Peer[];
  readonly networkProblems: readonly string[];
}

async function readMember(
  client: KubeClient,
  namespace: string,
  signal: AbortSignal,
): Promise<Result<MemberObjects, KubeError>> {
  const clusterId = await property(client, CLUSTER_ID_PROPERTY, signal);
  if (!clusterId.ok) return clusterId;
  const clusterset = await property(client, CLUSTERSET_PROPERTY, signal);
  if (!clusterset.ok) return clusterset;
  const exports = await listServed<ServiceExport>(client, serviceExports, signal);
  if (!exports.ok) return exports;
  const imports = await listServed<ServiceImport>(client, serviceImports, signal);
  if (!imports.ok) return imports;
  const labelSelector = `${LABEL_MANAGED_BY}=${MANAGED_BY},${LABEL_SOURCE_CLUSTER}`;
  const leases = await listAll<Lease>(client, LEASES, { namespace, labelSelector }, signal);
  // Whoever may look at exports need not be one who may look there.
  if (!leases.ok && leases.error.kind !== "forbidden") return leases;
  return ok({
    leases: leases.ok ? leases.value : [],
    clusterId: clusterId.value,
    clusterset: clusterset.value,
    exports: exports.value,
    imports: imports.value,
    peers: await readPeers(client, signal),
    networkProblems: await readProblems(client, signal),
  });
}

/** None where the kind is not there, or may not be read: the rest of the report stands without them. */
async function readPeers(client: KubeClient, signal: AbortSignal): Promise<readonly Peer[]> {
  const listed = await listAll<KubeObject>(client, PEERS, {}, signal);
  if (!listed.ok) return [];
  return listed.value.flatMap((object) => {
    const peer = parsePeer(object);
    return peer.ok ? [peer.value] : [];
  });
}

/** As those above. */
async function readProblems(client: KubeClient, signal: AbortSignal): Promise<readonly string[]> {
  const target = { resource: MEMBER_NETWORKS, name: LOCAL_NETWORK };
  const found = await client.get<KubeObject>(target, { signal });
  const parsed = found.ok ? parseMemberNetwork(found.value) : undefined;
  return parsed?.ok === true ? (parsed.value.status?.problems ?? []) : [];
}

/** Undefined when the property, or its whole kind, is not there: not a member. */
async function property(
  client: KubeClient,
  name: string,
  signal: AbortSignal,
): Promise<Result<string | undefined, KubeError>> {
  const found = await client.get<ClusterProperty>(
    { resource: clusterProperties(), name },
    { signal },
  );
  if (found.ok) return ok(found.value.spec.value);
  const absent = found.error.kind === "not-found" || found.error.kind === "no-such-resource";
  return absent ? ok(undefined) : found;
}

/** All objects, page by page, in the best version that is served (VER-04). */
async function listServed<T extends KubeObject>(
  client: KubeClient,
  resourceOf: (version: (typeof MCS_VERSIONS)[number]) => Resource,
  signal: AbortSignal,
): Promise<Result<readonly T[], KubeError>> {
  let missing: KubeError | undefined;
  for (const version of MCS_VERSIONS) {
    const listed = await listAll<T>(client, resourceOf(version), {}, signal);
    if (listed.ok || listed.error.kind !== "no-such-resource") return listed;
    missing ??= listed.error;
  }
  return missing === undefined ? ok([]) : { ok: false, error: missing };
}
