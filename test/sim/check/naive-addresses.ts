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

/** What a query for the service's IPv4 addresses must be answered: code and sorted addresses (sections 7.2, 7.3). */
export function naiveAddresses({ hasNamespace, serviceImport, slices }: ZoneObjects): string {
  if (!hasNamespace || serviceImport === undefined) return "NXDOMAIN ";
  if (serviceImport.spec?.type !== "Headless") {
    return `NOERROR ${(serviceImport.spec?.ips ?? []).toSorted().join(",")}`;
  }
  const ready = slices
    .filter(({ metadata }) => metadata.labels?.[LABEL_SOURCE_CLUSTER] !== undefined)
    .flatMap((slice) => slice.endpoints ?? [])
    .filter((endpoint) => endpoint.conditions?.ready !== false)
    .map((endpoint) => endpoint.addresses[0] ?? "");
  return ready.length === 0 ? "NXDOMAIN " : `NOERROR ${[...new Set(ready)].toSorted().join(",")}`;
}
