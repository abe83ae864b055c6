import type { KubeObject } from "../../api/kube/object.ts";
import { PODS } from "../../api/kube/pod.ts";
import { err, ok, type Result } from "../../api/result.ts";
import { DNS_NAME } from "../../install/dns-process.ts";
import { selectorOf } from "../../install/pieces/piece-words.ts";
import type { ClusterReader } from "../cluster/cluster-reader.ts";

export interface DnsPod {
  readonly name: string;
  readonly isReady: boolean;
  readonly dnsPort: number;
  /** Where it takes packet tests, on its loopback; undefined: it was not told to. */
  readonly packetTestPort: number | undefined;
}

/** What is read of a pod that answers DNS. */
export interface AnsweringPod extends KubeObject {
  readonly spec?: {
    readonly containers?: readonly {
      readonly args?: readonly string[];
      readonly ports?: readonly { readonly name?: string; readonly containerPort: number }[];
    }[];
  };
  readonly status?: {
    readonly conditions?: readonly { readonly type: string; readonly status: string }[];
  };
}

const DNS_PORT_NAME = "dns-tcp";
const TEST_PORT = /^--packet-test-listen=.*:(\d+)$/;

/** The pods that answer for the clusterset in this cluster, ready ones first. */
export async function readDnsPods(
  reader: ClusterReader,
  namespace: string,
): Promise<Result<readonly DnsPod[], string>> {
  const labelSelector = Object.entries(selectorOf(DNS_NAME))
    .map(([key, value]) => `${key}=${value}`)
    .join();
  const listed = await reader.list<AnsweringPod>(PODS, { namespace, labelSelector });
  if (!listed.ok) return err(listed.error.message);
  const pods = listed.value.map(dnsPod);
  return ok(pods.toSorted((left, right) => Number(right.isReady) - Number(left.isReady)));
}

export function dnsPod({ metadata, spec, status }: AnsweringPod): DnsPod {
  const containers = spec?.containers ?? [];
  const ports = containers.flatMap((container) => container.ports ?? []);
  const tests = containers
    .flatMap(({ args = [] }) => args)
    .flatMap((arg) => TEST_PORT.exec(arg)?.[1] ?? []);
  return {
    name: metadata.name,
    isReady: (status?.conditions ?? []).some(
      (condition) => condition.type === "Ready" && condition.status === "True",
    ),
    dnsPort: ports.find(({ name }) => name === DNS_PORT_NAME)?.containerPort ?? 53,
    packetTestPort: tests[0] === undefined ? undefined : Number(tests[0]),
  };
}
