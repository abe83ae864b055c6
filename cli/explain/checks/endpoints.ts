import { readyEndpoints } from "../../../api/kube/endpoint-slice.ts";
import { type Check, notNeeded, notTested, right, wrong } from "../finding.ts";

/** Is there anything behind the Service that this cluster exports? */
export const checkEndpoints: Check = ({
  serviceExport,
  service,
  serviceSlices,
  namespace,
  name,
}) => {
  if (!serviceExport.ok) return notTested(serviceExport.error);
  if (serviceExport.value === undefined) return notNeeded("this cluster does not export it");
  if (!service.ok) return notTested(service.error);
  if (service.value === undefined) return notNeeded("there is no Service");
  if (!serviceSlices.ok) return notTested(serviceSlices.error);
  const all = serviceSlices.value.flatMap(({ endpoints }) => endpoints ?? []);
  const ready = serviceSlices.value.flatMap(readyEndpoints);
  if (ready.length === 0) {
    const { selector } = service.value.spec;
    const labels = Object.entries(selector ?? {}).map(([key, value]) => `${key}=${value}`);
    return wrong(
      `Service ${namespace}/${name} has no ready endpoint here: ${all.length} in all`,
      labels.length === 0
        ? "the Service has no selector: write EndpointSlices for it, with ready endpoints"
        : `look why its pods are not ready: kubectl -n ${namespace} get pods -l ${labels.join(",")}`,
    );
  }
  return right(`${ready.length} of ${all.length} endpoints are ready`);
};
