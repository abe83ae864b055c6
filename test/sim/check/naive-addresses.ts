import type { EndpointSlice } from "../../../api/kube/endpoint-slice.ts";
import { LABEL_SOURCE_CLUSTER } from "../../../api/mcs/labels.ts";
import type { ServiceImport } from "../../../api/mcs/service-import.ts";

/** Everything an answer for one name may depend on. */
export interface ZoneObjects {
  readonly hasNamespace: boolean;
  readonly serviceImport: ServiceImport | undefined;
  /** Slices that carry the service's MCS label. */
  readonly slices: readonly EndpointSlice[];
  /** Clusters that are proved dead: they answer only where nobody else does. */
  readonly dead: ReadonlySet<string>;
}

/**
 * What a query for the addresses of the service, of both families, must be answered: code and sorted addresses (sections
 * 7.2, 7.3).
 * @param host one endpoint of a headless service, `<hostname>.<cluster>`.
 */
export function naiveAddresses(
  { hasNamespace, serviceImport, slices, dead }: ZoneObjects,
  host?: string,
): string {
  if (!hasNamespace || serviceImport === undefined) return "NXDOMAIN ";
  if (serviceImport.spec?.type !== "Headless") {
    if (host !== undefined) return "NXDOMAIN ";
    return `NOERROR ${(serviceImport.spec?.ips ?? []).toSorted().join(",")}`;
  }
  const sourceOf = ({ metadata }: EndpointSlice): string | undefined =>
    metadata.labels?.[LABEL_SOURCE_CLUSTER];
  const living = slices.filter((slice) => !dead.has(sourceOf(slice) ?? ""));
  const isAnyReady = living.some(({ endpoints }) =>
    (endpoints ?? []).some(({ conditions }) => conditions?.ready !== false),
  );
  const ready = (isAnyReady ? living : slices).flatMap((slice) => {
    const { endpoints } = slice;
    const cluster = sourceOf(slice);
    // An edited label that can be no part of a name.
    if (cluster === undefined || !/^[a-z0-9-]+$/.test(cluster)) return [];
    return (endpoints ?? [])
      .filter(({ conditions }) => conditions?.ready !== false)
      .filter(({ hostname }) => host === undefined || host === `${hostname}.${cluster}`)
      .map(({ addresses }) => addresses[0] ?? "");
  });
  return ready.length === 0 ? "NXDOMAIN " : `NOERROR ${[...new Set(ready)].toSorted().join(",")}`;
}
