import type { KubeObject } from "../api/kube/object.ts";
import type { Secret } from "../api/kube/secret.ts";
import { ok, type Result } from "../api/result.ts";
import {
  renderClusterPolicy,
  SHIPPED_NAMES,
} from "../runtime/kube/policy/render-cluster-policy.ts";
import type { MemberSettings } from "./member-settings.ts";
import { disruptionBudgetOf, networkPolicyOf, serviceOf } from "./pieces/around-process.ts";
import { deploymentOf, labelsOf, type Port, type Process } from "./pieces/process.ts";

export const CONTROLLERS_NAME = SHIPPED_NAMES.controllersServiceAccount;
export const DNS_NAME = SHIPPED_NAMES.dnsServiceAccount;
/** Of the Secret with who the member is: `api/cluster-policy` grants it by name. */
export const IDENTITY_SECRET = "isthmus-identity";
export const JOIN_SECRET = "isthmus-join";
const JOIN_DIR = "/etc/isthmus/join";
const STATE_DIR = "/var/lib/isthmus";
const CONTROLLERS_HEALTH_PORT = 8080;
const DNS_HEALTH_PORT = 8081;
const DNS_PORT = 5353;

/**
 * What a member's cluster holds, in the order in which it must get it; without custom resource definitions.
 * @param policy texts of `api/cluster-policy`
 */
export function memberObjects(
  settings: MemberSettings,
  policy: readonly string[],
): Result<readonly KubeObject[], string> {
  const { namespace, allowUsers, joinToken, dnsAddress: clusterIP } = settings;
  const names = { ...SHIPPED_NAMES, namespace, otherWriters: allowUsers };
  const identities = renderClusterPolicy(policy, names);
  if (!identities.ok) return identities;
  const controllers = controllersProcess(settings);
  const dns = dnsProcess(settings);
  const outside = dnsPorts(53);
  return ok([
    ...identities.value,
    ...(joinToken === undefined ? [] : [joinSecret(namespace, joinToken)]),
    ...around(controllers, settings),
    ...(settings.dns
      ? [...around(dns, settings), serviceOf(dns, { type: "ClusterIP", clusterIP, outside })]
      : []),
  ]);
}

function around(process: Process, { networkPolicy }: MemberSettings): readonly KubeObject[] {
  const budget = disruptionBudgetOf(process);
  return [
    ...(networkPolicy ? [networkPolicyOf(process)] : []),
    deploymentOf(process),
    ...(budget === undefined ? [] : [budget]),
  ];
}

function joinSecret(namespace: string, token: string): Secret {
  return {
    apiVersion: "v1",
    kind: "Secret",
    metadata: { namespace, name: JOIN_SECRET, labels: labelsOf(CONTROLLERS_NAME) },
    type: "Opaque",
    data: { token: Buffer.from(token).toString("base64") },
  };
}

function controllersProcess(settings: MemberSettings): Process {
  const { namespace, image, imagePullPolicy, brokers, cidrs } = settings;
  return {
    ...{ name: CONTROLLERS_NAME, namespace, image, imagePullPolicy },
    replicas: settings.controllersReplicas,
    memoryLimit: settings.controllersMemoryLimit,
    args: [
      "controllers",
      "--leader-elect",
      `--namespace=${namespace}`,
      `--identity-secret=${namespace}/${IDENTITY_SECRET}`,
      `--join-token-file=${JOIN_DIR}/token`,
      `--cluster-id=${settings.clusterId}`,
      `--state-dir=${STATE_DIR}`,
      ...(brokers.length === 0 ? [] : [`--broker=${brokers.join(",")}`]),
      ...(cidrs.length === 0 ? [] : [`--cidrs=${cidrs.join(",")}`]),
      `--health-listen=:${CONTROLLERS_HEALTH_PORT}`,
      `--log-level=${settings.logLevel}`,
    ],
    env: {},
    ports: [],
    healthPort: CONTROLLERS_HEALTH_PORT,
    scratch: [{ name: "state", path: STATE_DIR }],
    // Gone once the member has joined, if its admin wishes so.
    secrets: [{ name: "join", path: JOIN_DIR, secret: JOIN_SECRET, optional: true }],
    configMaps: [],
  };
}

function dnsProcess(settings: MemberSettings): Process {
  const { namespace, image, imagePullPolicy } = settings;
  return {
    ...{ name: DNS_NAME, namespace, image, imagePullPolicy },
    replicas: settings.dnsReplicas,
    memoryLimit: settings.dnsMemoryLimit,
    args: [
      "dns",
      `--listen=:${DNS_PORT}`,
      `--health-listen=:${DNS_HEALTH_PORT}`,
      `--cluster-id=${settings.clusterId}`,
      `--log-level=${settings.logLevel}`,
    ],
    // It makes hardly any garbage once it has read its cluster: room for young objects would stay for nothing.
    env: { NODE_OPTIONS: "--max-semi-space-size=8" },
    ports: dnsPorts(DNS_PORT),
    healthPort: DNS_HEALTH_PORT,
    scratch: [],
    secrets: [],
    configMaps: [],
  };
}

function dnsPorts(port: number): readonly Port[] {
  return [
    { name: "dns", port, protocol: "UDP" },
    { name: "dns-tcp", port, protocol: "TCP" },
  ];
}
