import {
  field,
  type JsonObject,
  type JsonValue,
  jsonEquals,
  listAt,
  numberAt,
  objectAt,
  stringAt,
  withField,
} from "../../object/json.ts";
import { hasNodePorts, needsClusterIp, viewSpec } from "./service-spec.ts";

/**
 * What an update keeps of the stored Service when the client leaves it out: a client that does not know about allocated values must not
 * lose them, and a change of type drops what the new type has no use for.
 */
export function carryOver(next: JsonObject, old: JsonObject): JsonObject {
  const dropped = dropForType(next, old);
  const addressed = keepClusterIps(dropped, old);
  const familied = keepFamilies(addressed, old);
  return keepNodePorts(familied, old);
}

function dropForType(next: JsonObject, old: JsonObject): JsonObject {
  let spec = objectAt(next, ["spec"]);
  const before = objectAt(old, ["spec"]);
  const type = stringAt(spec, ["type"]);
  if (type === stringAt(before, ["type"])) return next;
  const drop = (name: string): void => {
    if (jsonEquals(field(spec, name), field(before, name))) spec = withField(spec, name, undefined);
  };
  if (type === "ExternalName") {
    for (const name of ["clusterIP", "clusterIPs", "ipFamilies", "ipFamilyPolicy"]) drop(name);
    drop("internalTrafficPolicy");
  }
  if (type === "ClusterIP" || type === "ExternalName") {
    for (const name of ["externalTrafficPolicy", "allocateLoadBalancerNodePorts"]) drop(name);
    spec = withoutNodePorts(spec, old);
  }
  if (type === "NodePort") drop("allocateLoadBalancerNodePorts");
  if (type !== "ExternalName") drop("externalName");
  return withField(next, "spec", spec);
}

function withoutNodePorts(spec: JsonObject, old: JsonObject): JsonObject {
  const known = new Set(viewSpec(old).ports.map((port) => numberAt(port, ["nodePort"])));
  const { ports } = viewSpec({ spec });
  if (ports.length === 0) return spec;
  return withField(
    spec,
    "ports",
    ports.map((port) =>
      known.has(numberAt(port, ["nodePort"])) ? withField(port, "nodePort", undefined) : port,
    ),
  );
}

function keepClusterIps(next: JsonObject, old: JsonObject): JsonObject {
  const before = viewSpec(old);
  const after = viewSpec(next);
  const spec = objectAt(next, ["spec"]);
  if (after.clusterIP === "" && after.clusterIPs.length === 0) {
    const both = needsClusterIp(before) && needsClusterIp(after);
    return both ? withField(next, "spec", withIps(spec, before.clusterIPs)) : next;
  }
  const sameList = jsonEquals(after.clusterIPs, before.clusterIPs);
  if (after.clusterIP === before.clusterIP && after.clusterIPs.length === 0) {
    return withField(next, "spec", withIps(spec, before.clusterIPs));
  }
  // A client that only knows the singular field changed it.
  const changed = after.clusterIP !== before.clusterIP && after.clusterIP !== "";
  if (changed && (sameList || after.clusterIPs.length === 0)) {
    return withField(next, "spec", withIps(spec, [after.clusterIP]));
  }
  return next;
}

function withIps(spec: JsonObject, ips: readonly string[]): JsonObject {
  const [first] = ips;
  return first === undefined ? spec : { ...spec, clusterIP: first, clusterIPs: ips };
}

function keepFamilies(next: JsonObject, old: JsonObject): JsonObject {
  const after = viewSpec(next);
  if (after.type === "ExternalName") return next;
  const before = objectAt(old, ["spec"]);
  let spec = objectAt(next, ["spec"]);
  for (const name of ["ipFamilies", "ipFamilyPolicy"]) {
    const value = field(before, name);
    if (field(spec, name) === undefined && value !== undefined) spec = withField(spec, name, value);
  }
  return withField(next, "spec", downgraded(spec, before));
}

/** A Service that goes back to one family, and says nothing else, keeps its first address. */
function downgraded(spec: JsonObject, before: JsonObject): JsonObject {
  const single = (of: JsonObject): boolean => stringAt(of, ["ipFamilyPolicy"]) === "SingleStack";
  if (!single(spec) || single(before)) return spec;
  const first = (name: string): JsonValue => listAt(spec, [name]).slice(0, 1);
  const same = (name: string): boolean => jsonEquals(field(spec, name), field(before, name));
  return {
    ...spec,
    ...(same("ipFamilies") ? { ipFamilies: first("ipFamilies") } : {}),
    ...(same("clusterIPs") ? { clusterIPs: first("clusterIPs") } : {}),
  };
}

function keepNodePorts(next: JsonObject, old: JsonObject): JsonObject {
  const before = viewSpec(old);
  const after = viewSpec(next);
  if (!hasNodePorts(before) || !hasNodePorts(after) || after.ports.length === 0) return next;
  const keyOf = (port: JsonObject): string =>
    `${numberAt(port, ["port"])}/${stringAt(port, ["protocol"])}`;
  const known = new Map(before.ports.map((port) => [keyOf(port), field(port, "nodePort")]));
  const used = new Set(after.ports.map((port) => field(port, "nodePort")));
  const ports = after.ports.map((port) => {
    const kept = known.get(keyOf(port));
    const free = field(port, "nodePort") === undefined && kept !== undefined && !used.has(kept);
    return free ? withField(port, "nodePort", kept) : port;
  });
  return withField(next, "spec", withField(objectAt(next, ["spec"]), "ports", ports));
}
