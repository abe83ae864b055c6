import { z } from "zod";
import { NAMESPACES, type Namespace } from "../../api/kube/namespace.ts";
import { SERVICES, type Service } from "../../api/kube/service.ts";
import { parseMemberStatus } from "../../api/mcs/member-status.ts";
import { type ServiceExport, serviceExports } from "../../api/mcs/service-export.ts";
import { err, ok, type Result } from "../../api/result.ts";
import { decideAutoExports } from "../../controllers/auto-export/decide-auto-exports.ts";
import type { NamespaceScope } from "../../controllers/policy/member-policy.ts";
import { autoExportSettings } from "../../install/auto-export-settings.ts";
import { kubeSettings } from "../../runtime/config/common-settings.ts";
import { readSettings } from "../../runtime/config/settings.ts";
import type { KubeClient } from "../../runtime/kube/kube-client.ts";
import { silentMeter } from "../../runtime/metrics/silent-meter.ts";
import {
  type AutoExportReport,
  autoExportReport,
  autoExportText,
} from "../auto-export/auto-export-report.ts";
import { autoExportRules } from "../auto-export/auto-export-rules.ts";
import { ClusterReader } from "../cluster/cluster-reader.ts";
import { connectKube } from "../cluster/connect-kube.ts";
import { SYSTEM_NAMESPACE } from "../cluster/system-namespace.ts";
import { memberPolicy, policySettings } from "../controllers/policy-settings.ts";
import { readRecord } from "../install/install-record.ts";
import { outputSetting, render } from "../output/render.ts";
import { readControllersLease } from "../status/read-member.ts";
import { toldScope } from "../status/told-scope.ts";
import { defineVerb } from "../verb.ts";

const { autoExport: _, ...rules } = autoExportSettings;
/** As the controllers have them; none of them given: as installed. */
const ruleSettings = z.object(rules).partial();

const settingsSchema = z.object({
  ...kubeSettings,
  systemNamespace: z
    .string()
    .default(SYSTEM_NAMESPACE)
    .describe("namespace that the member is installed in"),
  selector: z
    .string()
    .optional()
    .describe("label selector of Services, in place of the installed one"),
  namespaces: z
    .string()
    .optional()
    .describe("label selector of namespaces, in place of the installed one"),
  perNamespace: z
    .string()
    .optional()
    .describe("quota of each namespace, in place of the installed"),
  perCluster: z.string().optional().describe("quota of the cluster, in place of the installed one"),
  output: outputSetting,
});

export const autoExportVerb = defineVerb({
  summary:
    "show which Services auto-export exports, or would, and which its quota leaves out; writes nothing",
  settings: settingsSchema,
  async run({ settings, signal, env, out }) {
    const kube = connectKube(settings, env, silentMeter);
    const report = kube.ok ? await look(kube.value.client, settings, signal) : kube;
    if (!report.ok) {
      out.problem(report.error);
      return 1;
    }
    out.line(render(settings.output, report.value, () => autoExportText(report.value)));
    return 0;
  },
});

async function look(
  client: KubeClient,
  settings: z.output<typeof settingsSchema>,
  signal: AbortSignal,
): Promise<Result<AutoExportReport, string>> {
  const record = await readRecord("member", settings.systemNamespace, { client, signal });
  if (!record.ok) return record;
  const installed = record.value?.settings ?? {};
  const wanted = readSettings(z.object(autoExportSettings), {
    flags: { ...known(installed), ...given(settings), autoExport: true },
    file: undefined,
  });
  if (!wanted.ok) return wanted;
  const parsed = autoExportRules(wanted.value);
  if (parsed === undefined) return err("no rules of auto-export");
  const reader = new ClusterReader(client, signal);
  const scope = await exportScope(reader, settings.systemNamespace);
  if (!scope.ok) return scope;
  const namespaces = await reader.list<Namespace>(NAMESPACES);
  if (!namespaces.ok) return err(namespaces.error.message);
  const services = await reader.list<Service>(SERVICES);
  if (!services.ok) return err(services.error.message);
  const exports = await reader.listMcs<ServiceExport>(serviceExports, undefined);
  if (!exports.ok) return err(exports.error.message);
  const decided = decideAutoExports({
    ...{ rules: parsed, scope: scope.value, namespaces: namespaces.value },
    ...{ services: services.value, exports: exports.value },
  });
  return ok(autoExportReport(decided, parsed, installed["autoExport"] === true));
}

/** Of a record, what auto-export is about. */
function known(installed: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  const keys = Object.keys(ruleSettings.shape);
  return Object.fromEntries(Object.entries(installed).filter(([key]) => keys.includes(key)));
}

function given({
  selector,
  namespaces,
  perNamespace,
  perCluster,
}: z.output<typeof settingsSchema>): Readonly<Record<string, unknown>> {
  const all = {
    autoExportSelector: selector,
    autoExportNamespaces: namespaces,
    autoExportPerNamespace: perNamespace,
    autoExportPerCluster: perCluster,
  };
  return Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined));
}

/** Which namespaces are exported from: as the controllers say, or by default. */
async function exportScope(
  reader: ClusterReader,
  namespace: string,
): Promise<Result<NamespaceScope, string>> {
  const lease = await readControllersLease(reader, namespace);
  if (!lease.ok) return err(lease.error.message);
  const status = lease.value === undefined ? undefined : parseMemberStatus(lease.value);
  if (status?.ok && status.value.policy !== undefined) {
    return ok(toldScope(status.value.policy.exports));
  }
  return ok(memberPolicy(z.object(policySettings).parse({})).exports);
}
