import type { EndpointSlice } from "../../../api/kube/endpoint-slice.ts";
import type { Service } from "../../../api/kube/service.ts";
import { canonicalIp } from "../canonical-ip.ts";
import { clusterIpsOf } from "../proxy/forwarding-table.ts";

export const CLUSTER_DOMAIN = "cluster.local";

export type ClusterAnswer =
  | { readonly kind: "addresses"; readonly addresses: readonly string[] }
  /** An ExternalName Service: look up this name instead. */
  | { readonly kind: "alias"; readonly name: string }
  | { readonly kind: "not-found" };

/** The objects that names under cluster.local are made of. */
export interface ClusterObjects {
  service(namespace: string, name: string): Service | undefined;
  slices(namespace: string, serviceName: string): readonly EndpointSlice[];
}

const NOT_FOUND: ClusterAnswer = { kind: "not-found" };

/**
 * Stands in for the cluster's own DNS (VIP-06: cluster.local keeps its local meaning), addresses only:
 * `<service>.<namespace>.svc.cluster.local`, and `<hostname>.` in front of a headless one.
 * An empty label never matches, as no object has an empty name.
 */
export function answerClusterName(name: string, objects: ClusterObjects): ClusterAnswer {
  const labels = name.split(".");
  const suffix = labels.splice(-3).join(".");
  if (suffix !== `svc.${CLUSTER_DOMAIN}` || labels.length < 2 || labels.length > 3)
    return NOT_FOUND;
  const [serviceName = "", namespace = ""] = labels.slice(-2);
  const hostname = labels.length === 3 ? labels[0] : undefined;
  const service = objects.service(namespace, serviceName);
  if (service === undefined) return NOT_FOUND;
  if (hostname === undefined && service.spec.type === "ExternalName") return aliasOf(service);
  const clusterIps = clusterIpsOf(service);
  if (clusterIps.length > 0) return hostname === undefined ? found(clusterIps) : NOT_FOUND;
  return found(readyAddresses(objects.slices(namespace, serviceName), hostname));
}

function aliasOf(service: Service): ClusterAnswer {
  const target = service.spec.externalName ?? "";
  return target === "" ? NOT_FOUND : { kind: "alias", name: target };
}

function readyAddresses(
  slices: readonly EndpointSlice[],
  hostname: string | undefined,
): readonly string[] {
  const addresses = slices
    .filter((slice) => slice.addressType !== "FQDN")
    .flatMap((slice) => slice.endpoints ?? [])
    .filter((endpoint) => endpoint.conditions?.ready !== false)
    .filter((endpoint) => hostname === undefined || endpoint.hostname === hostname)
    .flatMap((endpoint) => endpoint.addresses.flatMap((address) => canonicalIp(address) ?? []));
  return [...new Set(addresses)];
}

function found(addresses: readonly string[]): ClusterAnswer {
  return addresses.length === 0 ? NOT_FOUND : { kind: "addresses", addresses };
}
