import type { EndpointSlice } from "../../../api/kube/endpoint-slice.ts";
import { LABEL_SOURCE_CLUSTER } from "../../../api/mcs/labels.ts";
import type { ServiceImport } from "../../../api/mcs/service-import.ts";

/** Everything an answer for one name may depend on. */
export interface ZoneObjects {
  readonly hasNamespace: boolean;
  readonly serviceImport: ServiceImport | undefined;
  /** Slices that carry the service's MCS label. */
  readonly slices: readonly EndpointSlice[];
}

/**
 * What a query for the addresses of the service, of both families, must be answered: code and sorted addresses (sections
 * 7.2, 7.3).
 * @param host one endpoint of a headless service, `<hostname>.<cluster>`.
 */
export function naiveAddresses(
  { hasNamespace, serviceImport, slices }: ZoneObjects,
  host?: string,
): string {
  if (!hasNamespace || serviceImport === undefined) return "NXDOMAIN ";
  if (serviceImport.spec?.type !== "Headless") {
    if (host !== undefined) return "NXDOMAIN ";
    return `NOERROR ${(serviceImport.spec?.ips ?? []).toSorted().join(",")}`;
  }
  const ready = slices.flatMap(({ metadata, endpoints }) => {
    const cluster = metadata.labels?.[LABEL_SOURCE_CLUSTER];
    // An edited label that can be no part of a name.
    if (cluster === undefined || !/^[a-z0-9-]+$/.test(cluster)) return [];
    return (endpoints ?? [])
      .filter(({ conditions }) => conditions?.ready !== false)
      .filter(({ hostname }) => host === undefined || host === `${hostname}.${cluster}`)
      .map(({ addresses }) => addresses[0] ?? "");
  });
  return ready.length === 0 ? "NXDOMAIN " : `NOERROR ${[...new Set(ready)].toSorted().join(",")}`;
}
