import { isOwn } from "../../../controllers/reconcile/is-own.ts";
import { type Check, notNeeded, notTested, right, wrong } from "../finding.ts";

/** Has the import a clusterset IP, and does its derived Service carry it? (VIP-02, VIP-10) */
export const checkAddress: Check = ({ serviceImport, derivedService, namespace }) => {
  if (!serviceImport.ok) return notTested(serviceImport.error);
  if (serviceImport.value === undefined) return notNeeded("nothing is imported");
  const { type, ips = [] } = serviceImport.value.spec;
  if (type === "Headless") return notNeeded("headless: endpoints are dialled directly");
  const log = "look at the log of isthmus controllers: it is put back by itself while they run";
  if (ips.length === 0) return wrong("the import has no clusterset IP yet", log);
  if (!derivedService.ok) return notTested(derivedService.error);
  const derived = derivedService.value;
  if (derived === undefined) {
    return wrong(
      `nothing carries clusterset IP ${ips.join(", ")}: its derived Service is missing`,
      log,
    );
  }
  const where = `${namespace}/${derived.metadata.name}`;
  if (!isOwn(derived)) {
    return wrong(`Service ${where} is not managed by Isthmus`, "delete or rename it");
  }
  const carried = derived.spec.clusterIPs ?? [derived.spec.clusterIP ?? ""];
  if (carried.join() !== ips.join()) {
    return wrong(
      `the import says ${ips.join(", ")}, its derived Service ${where} has ${carried.join(", ")}`,
      log,
    );
  }
  return right(`${ips.join(", ")}, carried by Service ${where}`);
};
