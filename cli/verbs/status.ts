import { z } from "zod";
import type { KubeObject, Resource } from "../../api/kube/object.ts";
import {
  CLUSTER_ID_PROPERTY,
  CLUSTERSET_PROPERTY,
  type ClusterProperty,
  clusterProperties,
} from "../../api/mcs/cluster-property.ts";
import { MCS_VERSIONS, type ServiceExport, serviceExports } from "../../api/mcs/service-export.ts";
import { type ServiceImport, serviceImports } from "../../api/mcs/service-import.ts";
import { ok, type Result } from "../../api/result.ts";
import { kubeSettings } from "../../runtime/config/common-settings.ts";
import type { KubeClient } from "../../runtime/kube/kube-client.ts";
import type { KubeError } from "../../runtime/kube/kube-error.ts";
import { listAll } from "../../runtime/kube/list-all.ts";
import { silentMeter } from "../../runtime/metrics/silent-meter.ts";
import { connectKube } from "../connect-kube.ts";
import { memberReport } from "../status/member-report.ts";
import { statusText } from "../status/status-text.ts";
import { defineVerb } from "../verb.ts";

export const statusVerb = defineVerb({
  summary: "show a member's membership, exports and imports, as its API server holds them",
  settings: z.object({
    ...kubeSettings,
    output: z.enum(["text", "json"]).default("text").describe("text or json"),
  }),
  async run({ settings, signal, env, out }) {
    const kube = connectKube(settings, env, silentMeter);
    if (!kube.ok) {
      out.problem(kube.error);
      return 1;
    }
    const read = await readMember(kube.value.client, signal);
    if (!read.ok) {
      out.problem(read.error.message);
      return 1;
    }
    const report = memberReport(read.value);
    out.line(settings.output === "json" ? JSON.stringify(report, null, 2) : statusText(report));
    return 0;
  },
});

interface MemberObjects {
  readonly clusterId: string | undefined;
  readonly clusterset: string | undefined;
  readonly exports: readonly ServiceExport[];
  readonly imports: readonly ServiceImport[];
}

async function readMember(
  client: KubeClient,
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
  return ok({
    clusterId: clusterId.value,
    clusterset: clusterset.value,
    exports: exports.value,
    imports: imports.value,
  });
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
