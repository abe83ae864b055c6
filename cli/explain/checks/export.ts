import { type Check, notNeeded, notTested, right, wrong } from "../finding.ts";

/** Does anybody export it, and is this cluster's own export valid? (EXP-19) */
export const checkExport: Check = (facts) => {
  const { serviceExport, serviceImport, service, namespace, name, membership } = facts;
  if (!serviceExport.ok) return notTested(serviceExport.error);
  if (serviceExport.value === undefined) {
    if (!serviceImport.ok) return notTested(serviceImport.error);
    const clusters = (serviceImport.value?.status?.clusters ?? []).map(({ cluster }) => cluster);
    if (serviceImport.value !== undefined && clusters.length === 0) {
      return notNeeded("not exported from here");
    }
    if (clusters.length > 0) return notNeeded(`exported by ${clusters.join(", ")}, not from here`);
    const me = (membership.ok ? membership.value.clusterId : undefined) ?? "THIS";
    const isHere = service.ok && service.value !== undefined;
    return isHere
      ? wrong(
          `Service ${namespace}/${name} is not exported from here, and no other cluster is known to export one`,
          `isthmus export ${name} -n ${namespace}`,
        )
      : wrong(
          `no cluster is known to export ${namespace}/${name}: none does, or only for others (isthmus.dev/export-to, a slice, the hub's policy), which is never told to this one`,
          `run "isthmus explain ${namespace}/${name} --to ${me}" in the cluster that should export it`,
        );
  }
  const conditions = serviceExport.value.status?.conditions ?? [];
  const valid = conditions.find(({ type }) => type === "Valid");
  if (valid === undefined) {
    return wrong(
      "the ServiceExport has no condition Valid: no controller has looked at it yet",
      "wait a moment; if it stays so, look at the log of isthmus controllers",
    );
  }
  if (valid.status !== "True") {
    return wrong(
      `the export is not valid (${valid.reason}): ${valid.message}`,
      "mend what the condition says: it is looked at again at once",
    );
  }
  return right("exported from here, valid");
};
