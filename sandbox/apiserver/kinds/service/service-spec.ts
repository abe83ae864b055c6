import { isObject, type JsonObject, listAt, objectAt, stringAt } from "../../object/json.ts";

/** A Service's spec as far as this server decides on it: absent strings are "", absent lists empty. */
export interface ServiceSpecView {
  readonly type: string;
  readonly clusterIP: string;
  readonly clusterIPs: readonly string[];
  readonly ipFamilies: readonly string[];
  readonly ipFamilyPolicy: string;
  readonly ports: readonly JsonObject[];
  readonly selector: JsonObject;
}

export const HEADLESS = "None";

export function viewSpec(service: JsonObject): ServiceSpecView {
  const spec = objectAt(service, ["spec"]);
  return {
    type: stringAt(spec, ["type"]),
    clusterIP: stringAt(spec, ["clusterIP"]),
    clusterIPs: strings(spec, "clusterIPs"),
    ipFamilies: strings(spec, "ipFamilies"),
    ipFamilyPolicy: stringAt(spec, ["ipFamilyPolicy"]),
    ports: listAt(spec, ["ports"]).filter(isObject),
    selector: objectAt(spec, ["selector"]),
  };
}

export function isHeadless(spec: Pick<ServiceSpecView, "clusterIP" | "clusterIPs">): boolean {
  return spec.clusterIP === HEADLESS || spec.clusterIPs[0] === HEADLESS;
}

/** Types that have a cluster IP, or "None" in its place. */
export function hasClusterIp({ type }: Pick<ServiceSpecView, "type">): boolean {
  return type === "ClusterIP" || type === "NodePort" || type === "LoadBalancer";
}

export function needsClusterIp(spec: ServiceSpecView): boolean {
  return hasClusterIp(spec) && !isHeadless(spec);
}

export function hasNodePorts({ type }: Pick<ServiceSpecView, "type">): boolean {
  return type === "NodePort" || type === "LoadBalancer";
}

function strings(object: JsonObject, name: string): readonly string[] {
  return listAt(object, [name]).filter((item) => typeof item === "string");
}
