import type { KubeObject } from "../api/kube/object.ts";
import { ok, type Result } from "../api/result.ts";
import {
  renderClusterPolicy,
  SHIPPED_NAMES,
} from "../runtime/kube/policy/render-cluster-policy.ts";
import { autoExportBinding, controllersProcess, joinSecret } from "./controllers-process.ts";
import { dnsProcess, dnsService } from "./dns-process.ts";
import {
  gatewayProcess,
  nodeAgentProcess,
  runsGateways,
  runsNodeAgents,
} from "./gateway-processes.ts";
import type { MemberSettings } from "./member-settings.ts";
import { type WatchTexts, watchObjects } from "./observability/watching.ts";
import { disruptionBudgetOf, networkPolicyOf } from "./pieces/around-process.ts";
import { daemonSetOf } from "./pieces/node-process.ts";
import { deploymentOf, type Process } from "./pieces/process.ts";
import {
  CLIENT_PORTS,
  clientNamespacesBinding,
  proxyProcess,
  proxyService,
  runsProxies,
} from "./proxy-process.ts";
import { answersProbes, respondersService } from "./responders.ts";

/** What is scraped, where it runs. */
const PROCESSES = [
  SHIPPED_NAMES.controllersServiceAccount,
  SHIPPED_NAMES.dnsServiceAccount,
  SHIPPED_NAMES.gatewayServiceAccount,
  SHIPPED_NAMES.nodeAgentServiceAccount,
  SHIPPED_NAMES.proxyServiceAccount,
];

/**
 * What a member's cluster holds, in the order in which it must get it; without custom resource definitions.
 * @param policy texts of `api/cluster-policy`
 * @param watch texts of `api/observability`
 */
export function memberObjects(
  settings: MemberSettings,
  policy: readonly string[],
  watch: WatchTexts,
): Result<readonly KubeObject[], string> {
  const { namespace, allowUsers, joinToken } = settings;
  const names = { ...SHIPPED_NAMES, namespace, otherWriters: allowUsers };
  const identities = renderClusterPolicy(policy, names);
  if (!identities.ok) return identities;
  const programsNodes = runsGateways(settings) || runsNodeAgents(settings);
  const dns = dnsProcess(settings);
  return ok([
    ...(programsNodes ? identities.value.map(admittingNodePods) : identities.value),
    ...(joinToken === undefined ? [] : [joinSecret(namespace, joinToken)]),
    ...(settings.controllers && settings.autoExport ? [autoExportBinding(namespace)] : []),
    ...(settings.controllers ? around(controllersProcess(settings), settings) : []),
    ...(settings.dns ? [...around(dns, settings), dnsService(dns, settings)] : []),
    ...(answersProbes(settings) ? [respondersService(settings)] : []),
    ...(runsGateways(settings) ? [daemonSetOf(gatewayProcess(settings))] : []),
    ...(runsNodeAgents(settings) ? [daemonSetOf(nodeAgentProcess(settings))] : []),
    ...(runsProxies(settings) ? proxyObjects(settings) : []),
    ...watchObjects("member", settings, PROCESSES, watch),
  ]);
}

function proxyObjects(settings: MemberSettings): readonly KubeObject[] {
  const proxy = proxyProcess(settings);
  return [
    ...(settings.proxyClientNamespaces ? [clientNamespacesBinding(settings.namespace)] : []),
    ...around(proxy, settings, [CLIENT_PORTS]),
    ...proxyService(proxy, settings),
  ];
}

function around(
  process: Process,
  { networkPolicy }: MemberSettings,
  ingress: readonly object[] = [],
): readonly KubeObject[] {
  const budget = disruptionBudgetOf(process);
  return [
    ...(networkPolicy ? [networkPolicyOf(process, ingress)] : []),
    deploymentOf(process),
    ...(budget === undefined ? [] : [budget]),
  ];
}

/** Where a cluster enforces Pod Security Standards, pods in the nodes' network need a namespace that says so. */
function admittingNodePods(object: KubeObject): KubeObject {
  if (object.kind !== "Namespace") return object;
  const labels = {
    ...object.metadata.labels,
    "pod-security.kubernetes.io/enforce": "privileged",
  };
  return { ...object, metadata: { ...object.metadata, labels } };
}
