import { parseAllDocuments } from "yaml";
import type { KubeObject } from "../../../api/kube/object.ts";
import { helm } from "../../system/chart-objects.ts";

/** A helm that was built by `go install` takes itself to be of Kubernetes 1.20. */
const FLAGS = ["--kube-version", "1.34.0", "--no-hooks"];

/**
 * What the member's chart renders, hooks apart, with nothing that runs: the processes are started beside the cluster, as its service
 * accounts.
 *
 * @param allowUsers who may write what policies keep for controllers
 */
export async function chartObjectsAtRest(
  namespace: string,
  clusterId: string,
  allowUsers: readonly string[],
): Promise<readonly KubeObject[]> {
  const verb = ["template", "isthmus", "--namespace", namespace];
  const { code, out } = await helm(verb, "isthmus", { clusterId, allowUsers }, FLAGS);
  if (code !== 0) throw new Error(`cannot render the chart: ${out}`);
  return parseAllDocuments(out)
    .map((document) => document.toJS() as (KubeObject & { readonly spec?: object }) | null)
    .filter((object) => object !== null)
    .map((object) =>
      object.kind === "Deployment" ? { ...object, spec: { ...object.spec, replicas: 0 } } : object,
    );
}
