import { isTerminating } from "../../../api/kube/namespace.ts";
import { type Check, notTested, right, wrong } from "../finding.ts";

/** Nothing is imported into a namespace that is not there (IMP-03). */
export const checkNamespace: Check = ({ namespaceObject, namespace }) => {
  if (!namespaceObject.ok) return notTested(namespaceObject.error);
  if (namespaceObject.value === undefined) {
    return wrong(
      `there is no namespace ${namespace} in this cluster, so nothing is imported into it`,
      `kubectl create namespace ${namespace}`,
    );
  }
  if (isTerminating(namespaceObject.value)) {
    return wrong(
      `namespace ${namespace} is being deleted, and takes no new objects`,
      "wait until it is gone, and create it again",
    );
  }
  return right("it is there");
};
