import type { KubeObject } from "../api/kube/object.ts";
import { SHIPPED_NAMES } from "../runtime/kube/policy/render-cluster-policy.ts";
import { flagOf } from "./flags.ts";
import type { MemberSettings } from "./member-settings.ts";
import { serviceOf } from "./pieces/around-process.ts";
import type { Port } from "./pieces/piece-words.ts";
import type { Process } from "./pieces/process.ts";
import { answering } from "./responders.ts";

export const DNS_NAME = SHIPPED_NAMES.dnsServiceAccount;
const HEALTH_PORT = 8081;
const DNS_PORT = 5353;
/** On the pod's loopback: for `isthmus explain`, by the API server's port forwarding. */
const PACKET_TEST_PORT = 8082;

export function dnsProcess(settings: MemberSettings): Process {
  const { namespace, image, imagePullPolicy } = settings;
  const { args, ports, podLabels } = answering(settings);
  return {
    ...{ name: DNS_NAME, namespace, image, imagePullPolicy },
    replicas: settings.dnsReplicas,
    memoryLimit: settings.dnsMemoryLimit,
    args: [
      "dns",
      `--listen=:${DNS_PORT}`,
      `--health-listen=:${HEALTH_PORT}`,
      `--packet-test-listen=127.0.0.1:${PACKET_TEST_PORT}`,
      `--cluster-id=${settings.clusterId}`,
      ...args,
      ...flagOf("otlp-endpoint", settings.otlpEndpoint),
      `--log-level=${settings.logLevel}`,
    ],
    fields: {},
    ports: [...dnsPorts(DNS_PORT), ...ports],
    podLabels,
    healthPort: HEALTH_PORT,
    scratch: [],
    secrets: [],
    configMaps: [],
  };
}

export function dnsService(process: Process, { dnsAddress }: MemberSettings): KubeObject {
  return serviceOf(process, { type: "ClusterIP", clusterIP: dnsAddress, outside: dnsPorts(53) });
}

function dnsPorts(port: number): readonly Port[] {
  return [
    { name: "dns", port, protocol: "UDP" },
    { name: "dns-tcp", port, protocol: "TCP" },
  ];
}
