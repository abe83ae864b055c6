import {
  field,
  isObject,
  type JsonObject,
  type JsonValue,
  listAt,
  objectAt,
  stringAt,
  withField,
  withFieldAt,
} from "../../object/json.ts";
import { hasClusterIp, hasNodePorts } from "./service-spec.ts";

const AFFINITY_TIMEOUT_SECONDS = 10_800;

/** The defaults of a Service that do not depend on the cluster. */
export function defaultService(service: JsonObject): JsonObject {
  const spec = objectAt(service, ["spec"]);
  const typed = orElse(orElse(spec, "type", "ClusterIP"), "sessionAffinity", "None");
  const ported = withPorts(withSessionAffinityConfig(typed));
  const next = withField(service, "spec", withTrafficPolicies(ported));
  const status = objectAt(next, ["status"]);
  return withField(next, "status", withIngressModes(orElse(status, "loadBalancer", {})));
}

function withSessionAffinityConfig(spec: JsonObject): JsonObject {
  if (stringAt(spec, ["sessionAffinity"]) !== "ClientIP") {
    return withField(spec, "sessionAffinityConfig", undefined);
  }
  const path = ["sessionAffinityConfig", "clientIP"];
  const config = objectAt(spec, path);
  return withFieldAt(spec, path, orElse(config, "timeoutSeconds", AFFINITY_TIMEOUT_SECONDS));
}

function withPorts(spec: JsonObject): JsonObject {
  const ports = listAt(spec, ["ports"]);
  if (ports.length === 0) return spec;
  return withField(
    spec,
    "ports",
    ports.map((port) => (isObject(port) ? defaultPort(port) : port)),
  );
}

function defaultPort(port: JsonObject): JsonObject {
  const target = field(port, "targetPort");
  const named = orElse(port, "protocol", "TCP");
  const missing = target === undefined || target === 0 || target === "";
  const number = field(port, "port");
  return missing && number !== undefined ? withField(named, "targetPort", number) : named;
}

function withTrafficPolicies(spec: JsonObject): JsonObject {
  const type = { type: stringAt(spec, ["type"]) };
  let next = spec;
  const external = listAt(spec, ["externalIPs"]).length > 0 && type.type === "ClusterIP";
  if (hasNodePorts(type) || external) next = orElse(next, "externalTrafficPolicy", "Cluster");
  if (hasClusterIp(type)) next = orElse(next, "internalTrafficPolicy", "Cluster");
  if (type.type === "LoadBalancer") next = orElse(next, "allocateLoadBalancerNodePorts", true);
  return next;
}

function withIngressModes(status: JsonObject): JsonObject {
  const ingress = listAt(status, ["loadBalancer", "ingress"]);
  if (ingress.length === 0) return status;
  const moded = ingress.map((point) =>
    isObject(point) && stringAt(point, ["ip"]) !== "" ? orElse(point, "ipMode", "VIP") : point,
  );
  return withFieldAt(status, ["loadBalancer", "ingress"], moded);
}

function orElse(object: JsonObject, name: string, value: JsonValue): JsonObject {
  return field(object, name) === undefined ? withField(object, name, value) : object;
}
