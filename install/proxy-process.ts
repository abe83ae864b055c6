import type { KubeObject } from "../api/kube/object.ts";
import { SHIPPED_NAMES } from "../runtime/kube/policy/render-cluster-policy.ts";
import { IDENTITY_SECRET } from "./controllers-process.ts";
import { flagOf, listFlag } from "./flags.ts";
import type { MemberSettings } from "./member-settings.ts";
import { serviceOf } from "./pieces/around-process.ts";
import { labelsOf, type Port } from "./pieces/piece-words.ts";
import type { Process } from "./pieces/process.ts";

const PROXY_NAME = SHIPPED_NAMES.proxyServiceAccount;
const HEALTH_PORT = 8085;
const TUNNELS: Port = { name: "tunnels", port: 7443, protocol: "TCP" };
const AUTHORIZATION_DIR = "/etc/isthmus/http-proxy";
/** The proxy's own 5 s of lingering and 30 s of draining, and time to end. */
const STOP_SECONDS = 45;

export function runsProxies({ proxy, backends }: MemberSettings): boolean {
  return proxy ?? backends.includes("proxy");
}

export function proxyProcess(settings: MemberSettings): Process {
  const { namespace, image, imagePullPolicy, proxyHttpProxySecret: secret } = settings;
  const listens = settings.proxyServiceType !== "None";
  return {
    ...{ name: PROXY_NAME, namespace, image, imagePullPolicy },
    replicas: settings.proxyReplicas,
    memoryLimit: settings.proxyMemoryLimit,
    stopSeconds: STOP_SECONDS,
    args: [
      "proxy",
      "--name=$(POD_NAME)",
      "--address=$(POD_IPS)",
      `--identity-secret=${namespace}/${IDENTITY_SECRET}`,
      ...listFlag("broker", settings.brokers),
      `--listen=${listens ? `:${TUNNELS.port}` : "none"}`,
      ...listFlag("advertise", settings.proxyAdvertise),
      ...listFlag("relay-for", settings.proxyRelayFor),
      ...flagOf("http-proxy", settings.proxyHttpProxy),
      ...(secret === undefined
        ? []
        : [`--http-proxy-authorization-file=${AUTHORIZATION_DIR}/authorization`]),
      ...(settings.proxyClientNamespaces ? ["--client-namespaces"] : []),
      ...flagOf("otlp-endpoint", settings.otlpEndpoint),
      `--buffer-max=${settings.proxyBufferMax}`,
      `--health-listen=:${HEALTH_PORT}`,
      `--log-level=${settings.logLevel}`,
    ],
    fields: { POD_NAME: "metadata.name", POD_IPS: "status.podIPs" },
    ports: listens ? [TUNNELS] : [],
    healthPort: HEALTH_PORT,
    scratch: [],
    secrets:
      secret === undefined
        ? []
        : [{ name: "http-proxy", path: AUTHORIZATION_DIR, secret, optional: false }],
    configMaps: [],
  };
}

/** Clients of imported services come to ports that controllers choose in this range (`connectivity/proxy/listen`). */
export const CLIENT_PORTS = {
  ports: ["TCP", "UDP"].map((protocol) => ({ port: 20_000, endPort: 29_999, protocol })),
};

export function proxyService(
  process: Process,
  { proxyServiceType: type, proxyNodePort: nodePort }: MemberSettings,
): readonly KubeObject[] {
  return type === "None" ? [] : [serviceOf(process, { type, nodePort, outside: [TUNNELS] })];
}

/** Whoever may read all Pods may read much: bound only where it is asked for. */
export function clientNamespacesBinding(namespace: string): KubeObject {
  const name = "isthmus:proxy-client-namespaces";
  const apiGroup = "rbac.authorization.k8s.io";
  const binding = {
    apiVersion: `${apiGroup}/v1`,
    kind: "ClusterRoleBinding",
    metadata: { name, labels: labelsOf(PROXY_NAME) },
    roleRef: { apiGroup, kind: "ClusterRole", name },
    subjects: [{ kind: "ServiceAccount", namespace, name: PROXY_NAME }],
  };
  return binding;
}
