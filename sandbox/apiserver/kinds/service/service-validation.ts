import type { IpFamily } from "../../../../api/kube/service.ts";
import {
  duplicate,
  type FieldError,
  forbiddenField,
  invalidValue,
  notSupported,
  required,
} from "../../object/field-error.ts";
import {
  field,
  type JsonObject,
  jsonEquals,
  listAt,
  numberAt,
  objectAt,
  stringAt,
} from "../../object/json.ts";
import { dnsSubdomain } from "../../object/name-rules.ts";
import { validateLabels } from "../../object/validate-metadata.ts";
import { parseIp } from "./ip-range.ts";
import { validateFamilies } from "./service-families.ts";
import { validatePorts } from "./service-port-validation.ts";
import {
  HEADLESS,
  hasClusterIp,
  isHeadless,
  type ServiceSpecView,
  viewSpec,
} from "./service-spec.ts";

const TYPES = ["ClusterIP", "ExternalName", "LoadBalancer", "NodePort"];
const POLICIES = ["PreferDualStack", "RequireDualStack", "SingleStack"];
const DISTRIBUTIONS = ["PreferClose", "PreferSameNode", "PreferSameZone"];
const AFFINITY_SECONDS_MAX = 86_400;

/** Rules of a Service by itself, in the order the real server reports them. */
export function validateService(
  service: JsonObject,
  clusterFamilies: readonly IpFamily[],
): readonly FieldError[] {
  const spec = objectAt(service, ["spec"]);
  const view = viewSpec(service);
  return [
    ...validateType(view, spec),
    ...validatePorts(view),
    ...validateLabels(view.selector, "spec.selector"),
    ...validateAffinity(spec),
    ...validateIps(view, spec),
    ...(TYPES.includes(view.type) ? [] : [notSupported("spec.type", view.type, TYPES)]),
    ...validateChoices(spec),
    ...validateFamilies(view, clusterFamilies),
  ];
}

/** What may not change while the Service keeps its type. */
export function validateServiceUpdate(next: JsonObject, old: JsonObject): readonly FieldError[] {
  const before = viewSpec(old);
  const after = viewSpec(next);
  if (!hasClusterIp(before) || !hasClusterIp(after)) return [];
  const changed = (name: "clusterIPs" | "ipFamilies"): boolean =>
    before[name].length > 0 && before[name][0] !== after[name][0];
  const errors: FieldError[] = [];
  for (const name of ["clusterIPs", "ipFamilies"] as const) {
    if (changed(name)) {
      errors.push(invalidValue(`spec.${name}[0]`, after[name], "may not change once set"));
    }
  }
  const [, secondBefore] = before.clusterIPs;
  const [, secondAfter] = after.clusterIPs;
  if (secondBefore !== undefined && secondAfter !== undefined && secondBefore !== secondAfter) {
    errors.push(invalidValue("spec.clusterIPs[1]", after.clusterIPs, "may not change once set"));
  }
  return errors;
}

function validateType(view: ServiceSpecView, spec: JsonObject): readonly FieldError[] {
  const { type, clusterIP } = view;
  const errors: FieldError[] = [];
  if ((type === "LoadBalancer" || type === "NodePort") && isHeadless(view)) {
    const text = `may not be set to 'None' for ${type} services`;
    errors.push(invalidValue("spec.clusterIPs[0]", clusterIP, text));
  }
  if (type !== "ExternalName") return errors;
  if (view.clusterIPs.length > 0 || clusterIP !== "") {
    errors.push(forbiddenField("spec.clusterIPs", "may not be set for ExternalName services"));
  }
  for (const name of ["ipFamilies", "ipFamilyPolicy"]) {
    if (field(spec, name) !== undefined) {
      errors.push(forbiddenField(`spec.${name}`, "may not be set for ExternalName services"));
    }
  }
  const target = stringAt(spec, ["externalName"]).replace(/\.$/, "");
  if (target === "") return [...errors, required("spec.externalName")];
  const problems = dnsSubdomain(target);
  return [
    ...errors,
    ...problems.map((problem) => invalidValue("spec.externalName", target, problem)),
  ];
}

function validateAffinity(spec: JsonObject): readonly FieldError[] {
  const affinity = stringAt(spec, ["sessionAffinity"]);
  if (affinity !== "ClientIP" && affinity !== "None") {
    return [notSupported("spec.sessionAffinity", affinity, ["ClientIP", "None"])];
  }
  const path = ["sessionAffinityConfig", "clientIP", "timeoutSeconds"];
  const seconds = numberAt(spec, path);
  if (affinity === "None" || seconds === undefined) return [];
  if (seconds > 0 && seconds <= AFFINITY_SECONDS_MAX) return [];
  const text = `must be greater than 0 and less than ${AFFINITY_SECONDS_MAX}`;
  return [invalidValue(`spec.${path.join(".")}`, seconds, text)];
}

function validateIps(view: ServiceSpecView, spec: JsonObject): readonly FieldError[] {
  const { clusterIP, clusterIPs } = view;
  const errors: FieldError[] = [];
  if (clusterIPs.length > 0 && clusterIP !== clusterIPs[0]) {
    errors.push(invalidValue("spec.clusterIPs", clusterIPs, "first value must match `clusterIP`"));
  }
  clusterIPs.forEach((ip, index) => {
    const at = `spec.clusterIPs[${index}]`;
    if (ip === HEADLESS && clusterIPs.length > 1) {
      errors.push(invalidValue(at, ip, "'None' must be the first and only value"));
    } else if (ip !== HEADLESS) {
      errors.push(...validateIp(at, ip));
    }
  });
  errors.push(...validateFamilyList(view));
  listAt(spec, ["externalIPs"]).forEach((ip, index) => {
    errors.push(...validateIp(`spec.externalIPs[${index}]`, typeof ip === "string" ? ip : ""));
  });
  errors.push(...validateSourceRanges(spec));
  return errors;
}

function validateSourceRanges(spec: JsonObject): readonly FieldError[] {
  return listAt(spec, ["loadBalancerSourceRanges"]).flatMap((range, index) => {
    const text = typeof range === "string" ? range.trim() : "";
    const [address = "", bits = "", ...more] = text.split("/");
    const ip = parseIp(address);
    const isBits = /^(0|[1-9][0-9]{0,2})$/.test(bits) && more.length === 0;
    if (ip !== undefined && isBits && Number(bits) <= (ip.family === "IPv4" ? 32 : 128)) return [];
    const problem = "must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)";
    // The real server writes the field like this.
    return [invalidValue(`spec.LoadBalancerSourceRanges[${index}]`, text, problem)];
  });
}

function validateFamilyList({ ipFamilies, clusterIPs }: ServiceSpecView): readonly FieldError[] {
  const errors: FieldError[] = [];
  if (clusterIPs.length > 2) {
    errors.push(invalidValue("spec.clusterIPs", clusterIPs, "may only hold up to 2 values"));
  }
  ipFamilies.forEach((family, index) => {
    const at = `spec.ipFamilies[${index}]`;
    if (family !== "IPv4" && family !== "IPv6") {
      errors.push(notSupported(at, family, ["IPv4", "IPv6"]));
    } else if (ipFamilies.indexOf(family) < index) {
      errors.push(duplicate(at, family));
    }
    const ip = parseIp(clusterIPs[index] ?? "");
    if (ip !== undefined && ip.family !== family) {
      const text = `expected an ${family} value as indicated by \`ipFamilies[${index}]\``;
      errors.push(invalidValue(`spec.clusterIPs[${index}]`, clusterIPs[index], text));
    }
  });
  return errors;
}

function validateIp(at: string, ip: string): readonly FieldError[] {
  if (parseIp(ip) !== undefined) return [];
  return [invalidValue(at, ip, "must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)")];
}

function validateChoices(spec: JsonObject): readonly FieldError[] {
  const choices: readonly (readonly [string, readonly string[]])[] = [
    ["ipFamilyPolicy", POLICIES],
    ["externalTrafficPolicy", ["Cluster", "Local"]],
    ["internalTrafficPolicy", ["Cluster", "Local"]],
    ["trafficDistribution", DISTRIBUTIONS],
  ];
  return choices.flatMap(([name, supported]) => {
    const value = field(spec, name);
    const fine = value === undefined || supported.some((choice) => jsonEquals(choice, value));
    return fine ? [] : [notSupported(`spec.${name}`, value, supported)];
  });
}
