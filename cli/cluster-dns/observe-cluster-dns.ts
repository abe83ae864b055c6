import { CONFIG_MAPS, type ConfigMap } from "../../api/kube/config-map.ts";
import { DEPLOYMENTS } from "../../api/kube/deployment.ts";
import { SERVICES, type Service } from "../../api/kube/service.ts";
import { MCS_GROUP } from "../../api/mcs/service-export.ts";
import { err, ok, type Result } from "../../api/result.ts";
import type {
  ClusterDns,
  ConfigData,
  DnsConfigMap,
} from "../../install/cluster-dns/wiring-plan.ts";
import { DNS_NAME } from "../../install/dns-process.ts";
import type { KubeClient } from "../../runtime/kube/kube-client.ts";

export interface Deps {
  readonly client: KubeClient;
  readonly signal: AbortSignal;
}

/** Where cluster DNS servers live, whoever installed them. */
export const DNS_NAMESPACE = "kube-system";

export interface ObservedDns extends ClusterDns {
  /** Of the ConfigMaps that are there: what a write is conditional on. */
  readonly versions: Readonly<Partial<Record<DnsConfigMap, string>>>;
}

const MAPS: readonly DnsConfigMap[] = ["coredns", "coredns-custom", "kube-dns", "node-local-dns"];
export async function observeClusterDns({
  client,
  signal,
}: Deps): Promise<Result<ObservedDns, string>> {
  const maps: Partial<Record<DnsConfigMap, ConfigData>> = {};
  const versions: Partial<Record<DnsConfigMap, string>> = {};
  for (const name of MAPS) {
    const target = { resource: CONFIG_MAPS, namespace: DNS_NAMESPACE, name };
    const got = await client.get<ConfigMap>(target, { signal });
    if (!got.ok && got.error.kind !== "not-found") return err(got.error.message);
    if (!got.ok) continue;
    maps[name] = got.value.data ?? {};
    versions[name] = got.value.metadata.resourceVersion ?? "";
  }
  const kubeDns = { resource: DEPLOYMENTS, namespace: DNS_NAMESPACE, name: "kube-dns" };
  const runs = await client.get(kubeDns, { signal });
  if (!runs.ok && runs.error.kind !== "not-found") return err(runs.error.message);
  const served = await client.servedVersions(MCS_GROUP, "serviceimports", { signal });
  if (!served.ok) return err(served.error.message);
  return ok({ maps, versions, runsKubeDns: runs.ok, servesImports: served.value.length > 0 });
}

/** ClusterIP of our DNS server: the family that the cluster prefers. */
export async function addressOfDns(
  namespace: string,
  { client, signal }: Deps,
): Promise<Result<string, string>> {
  const target = { resource: SERVICES, namespace, name: DNS_NAME };
  const got = await client.get<Service>(target, { signal });
  if (!got.ok) return err(`no address to send the zone to: ${got.error.message}`);
  const address = got.value.spec.clusterIP ?? "";
  return address === "" || address === "None"
    ? err(`Service ${namespace}/${DNS_NAME} must have a ClusterIP: got ${address || "none"}`)
    : ok(address);
}
