import type { KubeObject } from "../api/kube/object.ts";
import { ok, type Result } from "../api/result.ts";
import {
  renderClusterPolicy,
  SHIPPED_NAMES,
} from "../runtime/kube/policy/render-cluster-policy.ts";
import { flagOf } from "./flags.ts";
import type { HubSettings } from "./hub-settings.ts";
import { type WatchTexts, watchObjects } from "./observability/watching.ts";
import { disruptionBudgetOf, networkPolicyOf, serviceOf } from "./pieces/around-process.ts";
import type { Port } from "./pieces/piece-words.ts";
import { deploymentOf, type Process } from "./pieces/process.ts";

/** Of the Deployment, its Service and its service account. */
export const BROKER_NAME = "isthmus-broker";
export const BROKER_PORT = 8443;
const HEALTH_PORT = 8082;
const DATA_DIR = "/var/lib/isthmus";
const ETCD_DIR = "/etc/isthmus/etcd";
const POLICY_DIR = "/etc/isthmus/policy";
const GRPC: Port = { name: "grpc", port: BROKER_PORT, protocol: "TCP" };

/**
 * What a hub's cluster holds, in the order in which it must get it; without custom resource definitions.
 * @param policy texts of `api/cluster-policy/hub`
 * @param watch texts of `api/observability`
 */
export function hubObjects(
  settings: HubSettings,
  policy: readonly string[],
  watch: WatchTexts,
): Result<readonly KubeObject[], string> {
  const names = { ...SHIPPED_NAMES, namespace: settings.namespace };
  const identities = renderClusterPolicy(policy, names);
  if (!identities.ok) return identities;
  const broker = brokerProcess(settings);
  const budget = disruptionBudgetOf(broker);
  const { serviceType: type, nodePort } = settings;
  return ok([
    ...identities.value,
    ...(settings.networkPolicy ? [networkPolicyOf(broker)] : []),
    serviceOf(broker, { type, nodePort, outside: [GRPC] }),
    deploymentOf(broker),
    ...(budget === undefined ? [] : [budget]),
    ...watchObjects("hub", settings, [BROKER_NAME], watch),
  ]);
}

function brokerProcess(settings: HubSettings): Process {
  const { namespace, image, imagePullPolicy, replicas, memoryLimit } = settings;
  const { policyConfigMap, etcdSecret } = settings;
  const usesEtcd = settings.store === "etcd";
  return {
    ...{ name: BROKER_NAME, namespace, image, imagePullPolicy, replicas, memoryLimit },
    args: [
      "broker",
      `--clusterset=${settings.clusterset}`,
      `--store=${settings.store}`,
      ...(usesEtcd ? etcdFlags(settings) : [`--store-namespace=${namespace}`]),
      `--data-dir=${DATA_DIR}`,
      `--listen=:${BROKER_PORT}`,
      `--health-listen=:${HEALTH_PORT}`,
      `--certificate-life=${settings.certificateLife}`,
      ...list("--server-names", settings.serverNames),
      ...list("--global-cidr", settings.globalCidr),
      ...(policyConfigMap === undefined ? [] : [`--policy=${POLICY_DIR}/policy.yaml`]),
      ...flagOf("otlp-endpoint", settings.otlpEndpoint),
      `--log-level=${settings.logLevel}`,
    ],
    fields: {},
    ports: [GRPC],
    healthPort: HEALTH_PORT,
    scratch: [{ name: "data", path: DATA_DIR }],
    secrets:
      usesEtcd && etcdSecret !== undefined
        ? [{ name: "etcd", path: ETCD_DIR, secret: etcdSecret, optional: false }]
        : [],
    configMaps:
      policyConfigMap === undefined
        ? []
        : [{ name: "policy", path: POLICY_DIR, configMap: policyConfigMap }],
  };
}

function etcdFlags({ etcdEndpoints, etcdSecret }: HubSettings): readonly string[] {
  const files =
    etcdSecret === undefined
      ? []
      : [
          `--etcd-ca=${ETCD_DIR}/ca.crt`,
          `--etcd-cert=${ETCD_DIR}/tls.crt`,
          `--etcd-key=${ETCD_DIR}/tls.key`,
        ];
  return [...list("--etcd-endpoints", etcdEndpoints), ...files];
}

function list(flag: string, values: readonly string[]): readonly string[] {
  return values.length === 0 ? [] : [`${flag}=${values.join(",")}`];
}
