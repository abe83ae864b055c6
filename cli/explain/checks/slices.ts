import { readyEndpoints } from "../../../api/kube/endpoint-slice.ts";
import { LABEL_SOURCE_CLUSTER } from "../../../api/mcs/labels.ts";
import { type Check, notNeeded, notTested, right, wrong } from "../finding.ts";

/** Is there an endpoint to be sent to? (EPS-03, EPS-19) */
export const checkSlices: Check = ({ serviceImport, importSlices }) => {
  if (!serviceImport.ok) return notTested(serviceImport.error);
  if (serviceImport.value === undefined) return notNeeded("nothing is imported");
  if (!importSlices.ok) return notTested(importSlices.error);
  const clusters = (serviceImport.value.status?.clusters ?? []).map(({ cluster }) => cluster);
  const counts = clusters.map((cluster) => ({
    cluster,
    ready: importSlices.value
      .filter(({ metadata }) => metadata.labels?.[LABEL_SOURCE_CLUSTER] === cluster)
      .flatMap(readyEndpoints).length,
  }));
  const text = counts.map(({ cluster, ready }) => `${cluster}: ${ready}`).join(", ");
  if (counts.every(({ ready }) => ready === 0)) {
    return wrong(
      `no ready endpoint is offered here (${text || "no exporters"})`,
      `run "isthmus explain" for it in ${clusters.join(", ") || "the exporting cluster"}: pods that are not ready there, a lost cluster or a dead path take endpoints away`,
    );
  }
  return right(`ready endpoints of ${text}`);
};
