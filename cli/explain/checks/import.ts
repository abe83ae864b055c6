import { isOwn } from "../../../controllers/reconcile/is-own.ts";
import { type Check, notNeeded, notTested, right, wrong } from "../finding.ts";

/** Has this cluster the import, and is it ready? (IMP-27, IMP-28) */
export const checkImport: Check = ({ serviceImport, serviceExport, namespace, name }) => {
  if (!serviceImport.ok) return notTested(serviceImport.error);
  const { value } = serviceImport;
  if (value === undefined) {
    const isExported = (
      serviceExport.ok ? serviceExport.value : undefined
    )?.status?.conditions?.some(({ type, status }) => type === "Valid" && status === "True");
    if (isExported !== true) return notNeeded("nothing is to be imported");
    return wrong(
      `${namespace}/${name} is exported, and this cluster has no ServiceImport of it`,
      "wait a moment; if it stays so, what is wrong further up, or the log of isthmus controllers, says why",
    );
  }
  if (!isOwn(value)) {
    return wrong(
      `a ServiceImport ${namespace}/${name} exists that is not managed by Isthmus: it is left alone`,
      "delete or rename it, or end the other controller that made it",
    );
  }
  const ready = value.status?.conditions?.find(({ type }) => type === "Ready");
  if (ready === undefined) {
    return wrong(
      "the ServiceImport has no condition Ready: no controller has finished it yet",
      "wait a moment; if it stays so, look at the log of isthmus controllers",
    );
  }
  if (ready.status !== "True") {
    return wrong(
      `the import is not ready (${ready.reason}): ${ready.message}`,
      "mend what the condition says: it is tried again by itself",
    );
  }
  return right(`${value.spec.type}, ready`);
};
