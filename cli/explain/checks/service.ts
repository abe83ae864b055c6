import { isOwn } from "../../../controllers/reconcile/is-own.ts";
import { type Check, notNeeded, notTested, right, wrong } from "../finding.ts";

/** Is the Service that this cluster exports one that can be? (EXP-17) */
export const checkService: Check = ({ serviceExport, service, namespace, name }) => {
  if (!serviceExport.ok) return notTested(serviceExport.error);
  if (serviceExport.value === undefined) return notNeeded("this cluster does not export it");
  if (!service.ok) return notTested(service.error);
  const { value } = service;
  if (value === undefined) {
    return wrong(
      `there is no Service ${namespace}/${name}: its export is nobody's until there is`,
      `create the Service, or "isthmus unexport ${name} -n ${namespace}"`,
    );
  }
  if (value.spec.type === "ExternalName") {
    return wrong(
      "a Service of type ExternalName cannot be exported: it has neither addresses nor endpoints",
      "export a Service of another type, such as one without selector and with EndpointSlices of your own",
    );
  }
  if (isOwn(value)) {
    return wrong(
      "it is the derived Service of an import, which cannot be exported",
      "export the Service that the import was made of, in its own cluster",
    );
  }
  const { clusterIP, type = "ClusterIP", ports = [] } = value.spec;
  const kind = clusterIP === "None" ? "headless" : type;
  return right(`${kind}, ports ${ports.map(({ port }) => port).join(", ") || "none"}`);
};
