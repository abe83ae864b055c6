import type { Facts } from "./facts.ts";

/** Clusters that export the service, as the import has them, without this one. */
export function otherExporters({
  serviceImport,
  membership,
}: Pick<Facts, "serviceImport" | "membership">): readonly string[] {
  const me = membership.ok ? membership.value.clusterId : undefined;
  const clusters = (serviceImport.ok ? serviceImport.value : undefined)?.status?.clusters ?? [];
  return clusters.map(({ cluster }) => cluster).filter((cluster) => cluster !== me);
}
