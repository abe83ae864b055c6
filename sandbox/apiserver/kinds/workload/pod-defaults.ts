import {
  field,
  isObject,
  type JsonObject,
  type JsonValue,
  listAt,
  stringAt,
  withField,
} from "../../object/json.ts";

const PROBES = ["livenessProbe", "readinessProbe", "startupProbe"];

/** The defaults of a PodSpec, in a Pod and in a template alike. */
export function defaultPodSpec(spec: JsonObject): JsonObject {
  const withContainers = ["containers", "initContainers"].reduce(defaultContainers, spec);
  const account = stringAt(spec, ["serviceAccountName"]);
  const named = account === "" ? withContainers : orElse(withContainers, "serviceAccount", account);
  return orElseAll(named, [
    ["restartPolicy", "Always"],
    ["terminationGracePeriodSeconds", 30],
    ["dnsPolicy", "ClusterFirst"],
    ["securityContext", {}],
    ["schedulerName", "default-scheduler"],
  ]);
}

function defaultContainers(spec: JsonObject, name: string): JsonObject {
  const containers = listAt(spec, [name]);
  if (containers.length === 0) return spec;
  return withField(
    spec,
    name,
    containers.map((item) => (isObject(item) ? defaultContainer(item) : item)),
  );
}

function defaultContainer(container: JsonObject): JsonObject {
  const probed = PROBES.reduce((next, name) => {
    const probe = field(next, name);
    return isObject(probe) ? withField(next, name, defaultProbe(probe)) : next;
  }, container);
  return orElseAll(probed, [
    ["resources", {}],
    ["terminationMessagePath", "/dev/termination-log"],
    ["terminationMessagePolicy", "File"],
    ["imagePullPolicy", isLatest(stringAt(container, ["image"])) ? "Always" : "IfNotPresent"],
  ]);
}

function defaultProbe(probe: JsonObject): JsonObject {
  const get = field(probe, "httpGet");
  const schemed = isObject(get)
    ? withField(
        probe,
        "httpGet",
        orElseAll(get, [
          ["path", "/"],
          ["scheme", "HTTP"],
        ]),
      )
    : probe;
  return orElseAll(schemed, [
    ["timeoutSeconds", 1],
    ["periodSeconds", 10],
    ["successThreshold", 1],
    ["failureThreshold", 3],
  ]);
}

/** An image without a tag or digest, or tagged latest, may change under its name. */
function isLatest(image: string): boolean {
  if (image.includes("@")) return false;
  const tag = image.slice(image.lastIndexOf("/") + 1).split(":")[1];
  return tag === undefined || tag === "latest";
}

function orElse(object: JsonObject, name: string, value: JsonValue): JsonObject {
  return field(object, name) === undefined ? withField(object, name, value) : object;
}

function orElseAll(
  object: JsonObject,
  defaults: readonly (readonly [string, JsonValue])[],
): JsonObject {
  return defaults.reduce((next, [name, value]) => orElse(next, name, value), object);
}
