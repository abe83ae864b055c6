import {
  CLUSTER_ID_PROPERTY,
  type ClusterProperty,
  clusterProperties,
} from "../../api/mcs/cluster-property.ts";
import { MCS_GROUP, MCS_VERSIONS } from "../../api/mcs/service-export.ts";
import { err, ok, type Result } from "../../api/result.ts";
import type { KubeClient } from "../../runtime/kube/kube-client.ts";
import type { PodLogs } from "../../runtime/kube/pod-logs.ts";
import { silentMeter } from "../../runtime/metrics/silent-meter.ts";
import { parseListenAddress } from "../../runtime/net/listen-address.ts";
import { connectKube } from "../cluster/connect-kube.ts";
import { podImage } from "./pod-image.ts";

export interface MemberUnderTest {
  readonly cluster: string;
  readonly client: KubeClient;
  readonly logs: PodLogs;
  /** Of its test pods. */
  readonly image: string;
  readonly mcsVersion: (typeof MCS_VERSIONS)[number];
  /** A SOCKS5 entry into the cluster, which resolves names as pods there do; undefined: a pod of ours is the client. */
  readonly entry: HostPort | undefined;
  /** Its DNS server, as it is reached from here; undefined: a pod of ours asks the cluster's. */
  readonly dns: HostPort | undefined;
}

export interface HostPort {
  readonly host: string;
  readonly port: number;
}

export interface MembersChoice {
  readonly kubeconfig?: string | undefined;
  readonly contexts: readonly string[];
  readonly entry: readonly string[];
  readonly dnsServer: readonly string[];
  readonly image?: string | undefined;
  readonly systemNamespace: string;
}

/** Each context's cluster. Error: one that does not answer, or is no member. */
export async function membersUnderTest(
  { kubeconfig, contexts, entry, dnsServer, image: chosen, systemNamespace }: MembersChoice,
  env: Readonly<Record<string, string | undefined>>,
  signal: AbortSignal,
): Promise<Result<readonly MemberUnderTest[], string>> {
  if (contexts.length < 2) {
    return err(`--contexts must name two clusters or more: got ${contexts.length}`);
  }
  const entries = addressesByContext("--entry", entry, contexts);
  if (!entries.ok) return entries;
  const servers = addressesByContext("--dns-server", dnsServer, contexts);
  if (!servers.ok) return servers;
  const members: MemberUnderTest[] = [];
  for (const context of contexts) {
    const kube = connectKube({ kubeconfig, context }, env, silentMeter);
    if (!kube.ok) return kube;
    const { client, logs } = kube.value;
    const target = { resource: clusterProperties(), name: CLUSTER_ID_PROPERTY };
    const id = await client.get<ClusterProperty>(target, { signal });
    if (!id.ok) return err(`context ${context} is no member: ${id.error.message}`);
    const served = await client.servedVersions(MCS_GROUP, "serviceexports", { signal });
    if (!served.ok) return err(`context ${context}: ${served.error.message}`);
    const mcsVersion = MCS_VERSIONS.find((one) => served.value.includes(one));
    if (mcsVersion === undefined) return err(`context ${context} serves no serviceexports`);
    const reach = { entry: entries.value.get(context), dns: servers.value.get(context) };
    const image = chosen ?? (await podImage(client, systemNamespace, signal));
    const cluster = id.value.spec.value;
    members.push({ cluster, client, logs, image, mcsVersion, ...reach });
  }
  return ok(members);
}

/** `context=host:port`, each. */
function addressesByContext(
  flag: string,
  texts: readonly string[],
  contexts: readonly string[],
): Result<ReadonlyMap<string, HostPort>, string> {
  const found = new Map<string, HostPort>();
  for (const text of texts) {
    const at = text.lastIndexOf("=");
    const address = parseListenAddress(text.slice(at + 1));
    if (at < 0 || !address.ok || !contexts.includes(text.slice(0, at))) {
      return err(`${flag} must be context=host:port, of one of the contexts: got ${text}`);
    }
    found.set(text.slice(0, at), {
      host: address.value.host ?? "127.0.0.1",
      port: address.value.port,
    });
  }
  return ok(found);
}
