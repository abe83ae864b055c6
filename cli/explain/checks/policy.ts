import { scopeDenial } from "../../../controllers/policy/member-policy.ts";
import { toldScope } from "../../status/told-scope.ts";
import { type Check, notNeeded, notTested, right, wrong } from "../finding.ts";

/** Does this cluster share the namespace? (IMP-36, SEC-04) */
export const checkPolicy: Check = ({ controllers, namespaceObject, serviceExport, namespace }) => {
  if (!controllers.ok) return notTested(controllers.error);
  const policy = controllers.value?.status.policy;
  if (policy === undefined) return notTested("no controllers say which namespaces they share");
  if (!namespaceObject.ok) return notTested(namespaceObject.error);
  if (namespaceObject.value === undefined) return notNeeded("there is no such namespace");
  const isExported = serviceExport.ok && serviceExport.value !== undefined;
  const leaving = isExported
    ? scopeDenial(toldScope(policy.exports), namespaceObject.value)
    : undefined;
  if (leaving !== undefined) {
    return wrong(
      `this cluster's policy keeps exports of namespace ${namespace} here: ${leaving}`,
      "change --export-allow, --export-deny or --export-selector of isthmus controllers, or export from another namespace",
    );
  }
  const coming = scopeDenial(toldScope(policy.imports), namespaceObject.value);
  if (coming !== undefined) {
    return wrong(
      `this cluster's policy imports nothing into namespace ${namespace}: ${coming}`,
      "change --import-allow, --import-deny or --import-selector of isthmus controllers",
    );
  }
  return right(
    "the namespace is shared by this cluster; what the hub's policy says shows on exports",
  );
};
