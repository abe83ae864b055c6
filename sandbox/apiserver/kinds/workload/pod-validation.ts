import {
  duplicate,
  type FieldError,
  forbiddenField,
  invalidValue,
  notSupported,
  required,
} from "../../object/field-error.ts";
import {
  isObject,
  type JsonObject,
  jsonEquals,
  listAt,
  numberAt,
  objectAt,
  stringAt,
  withField,
} from "../../object/json.ts";
import {
  dnsLabel,
  dnsSubdomain,
  type NameRule,
  portName,
  portNumber,
} from "../../object/name-rules.ts";
import { PROTOCOLS } from "../service/service-port-validation.ts";

const RESTART_POLICIES = ["Always", "OnFailure", "Never"];
const DNS_POLICIES = ["ClusterFirstWithHostNet", "ClusterFirst", "Default", "None"];
const PULL_POLICIES = ["Always", "IfNotPresent", "Never"];

/** Rules of a PodSpec at `at` (`spec`, `spec.template.spec`). */
export function validatePodSpec(spec: JsonObject, at: string): readonly FieldError[] {
  const containers = listAt(spec, ["containers"]).filter(isObject);
  const init = listAt(spec, ["initContainers"]).filter(isObject);
  const names = new Set<string>();
  return [
    ...(containers.length === 0 ? [required(`${at}.containers`)] : []),
    ...init.flatMap((item, i) => validateContainer(item, `${at}.initContainers[${i}]`, names)),
    ...containers.flatMap((item, i) => validateContainer(item, `${at}.containers[${i}]`, names)),
    ...oneOf(spec, "restartPolicy", at, RESTART_POLICIES),
    ...oneOf(spec, "dnsPolicy", at, DNS_POLICIES),
    ...named(spec, "hostname", at, dnsLabel),
    ...named(spec, "subdomain", at, dnsLabel),
    ...named(spec, "nodeName", at, dnsSubdomain),
    ...named(spec, "serviceAccountName", at, dnsSubdomain),
  ];
}

function validateContainer(
  container: JsonObject,
  at: string,
  names: Set<string>,
): readonly FieldError[] {
  const name = stringAt(container, ["name"]);
  const problems =
    name === ""
      ? [required(`${at}.name`)]
      : dnsLabel(name).map((problem) => invalidValue(`${at}.name`, name, problem));
  const again = names.has(name) && name !== "" ? [duplicate(`${at}.name`, name)] : [];
  names.add(name);
  const image = stringAt(container, ["image"]) === "" ? [required(`${at}.image`)] : [];
  return [
    ...problems,
    ...again,
    ...image,
    ...validatePorts(listAt(container, ["ports"]).filter(isObject), `${at}.ports`),
    ...oneOf(container, "imagePullPolicy", at, PULL_POLICIES),
  ];
}

function validatePorts(ports: readonly JsonObject[], at: string): readonly FieldError[] {
  const names = new Set<string>();
  return ports.flatMap((port, index) => {
    const here = `${at}[${index}]`;
    const name = stringAt(port, ["name"]);
    const number = numberAt(port, ["containerPort"]);
    const again = name !== "" && names.has(name) ? [duplicate(`${here}.name`, name)] : [];
    names.add(name);
    const missing = number === undefined ? [required(`${here}.containerPort`)] : [];
    const range = number === undefined ? [] : portNumber(number);
    return [
      ...named(port, "name", here, portName),
      ...again,
      ...missing,
      ...range.map((problem) => invalidValue(`${here}.containerPort`, number, problem)),
      ...oneOf(port, "protocol", here, PROTOCOLS),
    ];
  });
}

const MUTABLE = [
  "containers",
  "initContainers",
  "activeDeadlineSeconds",
  "tolerations",
  "terminationGracePeriodSeconds",
];

/** A pod's spec does not change, but for images and a few fields; `nodeName` is set once. */
export function validatePodUpdate(next: JsonObject, old: JsonObject): readonly FieldError[] {
  const after = frozen(objectAt(next, ["spec"]));
  const before = frozen(objectAt(old, ["spec"]));
  const bound =
    stringAt(before, ["nodeName"]) === "" ? withField(after, "nodeName", undefined) : after;
  if (jsonEquals(bound, before)) return [];
  return [
    forbiddenField(
      "spec",
      "pod updates may not change fields other than `spec.containers[*].image`,`spec.initContainers[*].image`,`spec.activeDeadlineSeconds`,`spec.tolerations` (only additions to existing tolerations),`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)",
    ),
  ];
}

function frozen(spec: JsonObject): JsonObject {
  const containers = (name: string): readonly JsonObject[] =>
    listAt(spec, [name])
      .filter(isObject)
      .map((container) => withField(container, "image", undefined));
  const rest = MUTABLE.reduce((left, name) => withField(left, name, undefined), spec);
  return {
    ...rest,
    containers: containers("containers"),
    initContainers: containers("initContainers"),
  };
}

function oneOf(
  object: JsonObject,
  name: string,
  at: string,
  supported: readonly string[],
): readonly FieldError[] {
  const value = stringAt(object, [name]);
  if (value === "" || supported.includes(value)) return [];
  return [notSupported(`${at}.${name}`, value, supported)];
}

function named(
  object: JsonObject,
  name: string,
  at: string,
  rule: NameRule,
): readonly FieldError[] {
  const value = stringAt(object, [name]);
  return value === ""
    ? []
    : rule(value).map((problem) => invalidValue(`${at}.${name}`, value, problem));
}
