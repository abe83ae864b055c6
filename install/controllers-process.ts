import type { KubeObject } from "../api/kube/object.ts";
import type { Secret } from "../api/kube/secret.ts";
import { SHIPPED_NAMES } from "../runtime/kube/policy/render-cluster-policy.ts";
import { flagOf, listFlag } from "./flags.ts";
import type { MemberSettings } from "./member-settings.ts";
import { labelsOf } from "./pieces/piece-words.ts";
import type { Process } from "./pieces/process.ts";
import { answering } from "./responders.ts";

const CONTROLLERS_NAME = SHIPPED_NAMES.controllersServiceAccount;
/** Of the Secret with who the member is: `api/cluster-policy` grants it by name. */
export const IDENTITY_SECRET = "isthmus-identity";
const JOIN_SECRET = "isthmus-join";
const JOIN_DIR = "/etc/isthmus/join";
const STATE_DIR = "/var/lib/isthmus";
const HEALTH_PORT = 8080;

export function controllersProcess(settings: MemberSettings): Process {
  const { namespace, image, imagePullPolicy, backends } = settings;
  const { args, ports, podLabels } = answering(settings);
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
      ...listFlag("broker", settings.brokers),
      ...listFlag("cidrs", settings.cidrs),
      ...listFlag("backends", backends),
      ...listFlag("pin", settings.pin),
      ...listFlag("service-cidrs", settings.serviceCidrs),
      ...listFlag("global-prefix", settings.globalPrefix),
      ...flagOf("encryption", settings.encryption === "none" ? undefined : settings.encryption),
      ...args,
      ...flagOf("otlp-endpoint", settings.otlpEndpoint),
      ...autoExportFlags(settings),
      `--health-listen=:${HEALTH_PORT}`,
      `--log-level=${settings.logLevel}`,
    ],
    fields: {},
    ports,
    podLabels,
    healthPort: HEALTH_PORT,
    scratch: [{ name: "state", path: STATE_DIR }],
    // Gone once the member has joined, if its admin wishes so.
    secrets: [{ name: "join", path: JOIN_DIR, secret: JOIN_SECRET, optional: true }],
    configMaps: [],
  };
}

function autoExportFlags(settings: MemberSettings): readonly string[] {
  if (!settings.autoExport) return [];
  return [
    "--auto-export",
    `--auto-export-selector=${settings.autoExportSelector}`,
    ...flagOf("auto-export-namespaces", settings.autoExportNamespaces),
    `--auto-export-per-namespace=${settings.autoExportPerNamespace}`,
    `--auto-export-per-cluster=${settings.autoExportPerCluster}`,
  ];
}

/** Whoever may write exports may publish whatever the policy lets out: bound only where it is asked for. */
export function autoExportBinding(namespace: string): KubeObject {
  const name = "isthmus:auto-export";
  const apiGroup = "rbac.authorization.k8s.io";
  const binding = {
    apiVersion: `${apiGroup}/v1`,
    kind: "ClusterRoleBinding",
    metadata: { name, labels: labelsOf(CONTROLLERS_NAME) },
    roleRef: { apiGroup, kind: "ClusterRole", name },
    subjects: [{ kind: "ServiceAccount", namespace, name: CONTROLLERS_NAME }],
  };
  return binding;
}

export function joinSecret(namespace: string, token: string): Secret & KubeObject {
  return {
    apiVersion: "v1",
    kind: "Secret",
    metadata: { namespace, name: JOIN_SECRET, labels: labelsOf(CONTROLLERS_NAME) },
    type: "Opaque",
    data: { token: Buffer.from(token).toString("base64") },
  };
}
