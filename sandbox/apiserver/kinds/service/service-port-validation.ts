import {
  duplicate,
  type FieldError,
  forbiddenField,
  invalidValue,
  notSupported,
  required,
} from "../../object/field-error.ts";
import { field, type JsonObject, numberAt, stringAt } from "../../object/json.ts";
import { dnsLabel, portName, portNumber, qualifiedName } from "../../object/name-rules.ts";
import { isHeadless, type ServiceSpecView } from "./service-spec.ts";

export const PROTOCOLS = ["SCTP", "TCP", "UDP"];

export function validatePorts(view: ServiceSpecView): readonly FieldError[] {
  const { ports, type } = view;
  if (ports.length === 0 && !isHeadless(view) && type !== "ExternalName") {
    return [required("spec.ports")];
  }
  const names = new Set<string>();
  const errors = ports.flatMap((port, index) => {
    const at = `spec.ports[${index}]`;
    return [
      ...validateName(port, at, { names, required: ports.length > 1 }),
      ...validatePort(port, at, isHeadless(view)),
    ];
  });
  return [...errors, ...validateNodePorts(view), ...validateDistinct(ports)];
}

function validateName(
  port: JsonObject,
  at: string,
  rule: { readonly names: Set<string>; readonly required: boolean },
): readonly FieldError[] {
  const name = stringAt(port, ["name"]);
  if (name === "") return rule.required ? [required(`${at}.name`)] : [];
  const problems = dnsLabel(name);
  if (problems.length > 0) {
    return problems.map((problem) => invalidValue(`${at}.name`, name, problem));
  }
  if (rule.names.has(name)) return [duplicate(`${at}.name`, name)];
  rule.names.add(name);
  return [];
}

function validatePort(port: JsonObject, at: string, headless: boolean): readonly FieldError[] {
  const number = numberAt(port, ["port"]) ?? 0;
  const protocol = stringAt(port, ["protocol"]);
  const target = field(port, "targetPort") ?? 0;
  const errors = portNumber(number).map((problem) => invalidValue(`${at}.port`, number, problem));
  if (!PROTOCOLS.includes(protocol)) {
    errors.push(notSupported(`${at}.protocol`, protocol, PROTOCOLS));
  }
  const problems = typeof target === "string" ? portName(target) : portNumber(Number(target));
  for (const problem of problems) errors.push(invalidValue(`${at}.targetPort`, target, problem));
  const appProtocol = stringAt(port, ["appProtocol"]);
  if (appProtocol !== "") {
    for (const problem of qualifiedName(appProtocol)) {
      errors.push(invalidValue(`${at}.appProtocol`, appProtocol, problem));
    }
  }
  if (headless && field(port, "nodePort") !== undefined) {
    errors.push(forbiddenField(`${at}.nodePort`, "may not be used when `clusterIP` is 'None'"));
  }
  return errors;
}

function validateNodePorts({ ports, type }: ServiceSpecView): readonly FieldError[] {
  const seen = new Set<string>();
  return ports.flatMap((port, index) => {
    const nodePort = numberAt(port, ["nodePort"]);
    const at = `spec.ports[${index}].nodePort`;
    if (nodePort === undefined) return [];
    if (type === "ClusterIP" || type === "ExternalName") {
      return [forbiddenField(at, `may not be used when \`type\` is '${type}'`)];
    }
    const key = `${stringAt(port, ["protocol"])}/${nodePort}`;
    if (seen.has(key)) return [duplicate(at, nodePort)];
    seen.add(key);
    return [];
  });
}

/** The real server shows a duplicate as the Go struct it compares: port and protocol, all else zero. */
function validateDistinct(ports: readonly JsonObject[]): readonly FieldError[] {
  const seen = new Set<string>();
  return ports.flatMap((port, index) => {
    const number = numberAt(port, ["port"]) ?? 0;
    const protocol = stringAt(port, ["protocol"]);
    const key = `${protocol}/${number}`;
    if (!seen.has(key)) {
      seen.add(key);
      return [];
    }
    const shown = {
      Name: "",
      Protocol: protocol,
      AppProtocol: null,
      Port: number,
      TargetPort: 0,
      NodePort: 0,
    };
    return [duplicate(`spec.ports[${index}]`, shown)];
  });
}
