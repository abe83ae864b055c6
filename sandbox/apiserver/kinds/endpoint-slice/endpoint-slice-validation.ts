import {
  duplicate,
  type FieldError,
  invalidValue,
  notSupported,
  required,
  tooMany,
} from "../../object/field-error.ts";
import {
  field,
  isObject,
  type JsonObject,
  jsonEquals,
  listAt,
  stringAt,
} from "../../object/json.ts";
import {
  dnsLabel,
  dnsSubdomain,
  labelValue,
  type NameRule,
  qualifiedName,
} from "../../object/name-rules.ts";
import { parseIp } from "../service/ip-range.ts";
import { PROTOCOLS } from "../service/service-port-validation.ts";
import { specialIpProblems } from "../service/special-ips.ts";

const ADDRESS_TYPES = ["FQDN", "IPv4", "IPv6"];
const ENDPOINTS_MAX = 1000;
const PORTS_MAX = 20_000;
const ADDRESSES_MAX = 100;
const ZONE_HINTS_MAX = 8;

export function validateEndpointSlice(
  slice: JsonObject,
  old: JsonObject | undefined,
): readonly FieldError[] {
  const type = stringAt(slice, ["addressType"]);
  if (type === "") return [required("addressType"), ...validatePorts(slice)];
  const known = ADDRESS_TYPES.includes(type);
  // Endpoints that were accepted once are not held against a later update.
  const unchanged =
    old !== undefined && jsonEquals(field(old, "endpoints"), field(slice, "endpoints"));
  return [
    ...(known ? [] : [notSupported("addressType", type, ADDRESS_TYPES)]),
    ...validatePorts(slice),
    ...(known && !unchanged
      ? validateEndpoints(listAt(slice, ["endpoints"]).filter(isObject), type)
      : []),
  ];
}

export function validateEndpointSliceUpdate(
  next: JsonObject,
  old: JsonObject,
): readonly FieldError[] {
  const type = stringAt(next, ["addressType"]);
  if (type === stringAt(old, ["addressType"])) return [];
  return [invalidValue("addressType", type, "field is immutable")];
}

function validateEndpoints(endpoints: readonly JsonObject[], type: string): readonly FieldError[] {
  if (endpoints.length > ENDPOINTS_MAX) {
    return [tooMany("endpoints", endpoints.length, ENDPOINTS_MAX)];
  }
  return endpoints.flatMap((endpoint, index) => {
    const at = `endpoints[${index}]`;
    return [
      ...validateAddresses(listAt(endpoint, ["addresses"]), type, `${at}.addresses`),
      ...check(endpoint, "nodeName", at, dnsSubdomain),
      ...check(endpoint, "zone", at, labelValue),
      ...check(endpoint, "hostname", at, dnsLabel),
      ...validateHints(endpoint, at),
    ];
  });
}

function validateAddresses(
  addresses: readonly unknown[],
  type: string,
  at: string,
): readonly FieldError[] {
  if (addresses.length === 0) return [required(at, "must contain at least 1 address")];
  if (addresses.length > ADDRESSES_MAX) return [tooMany(at, addresses.length, ADDRESSES_MAX)];
  return addresses.flatMap((address, index) =>
    typeof address === "string" ? validateAddress(address, type, { at, index }) : [],
  );
}

function validateAddress(
  address: string,
  type: string,
  { at, index }: { readonly at: string; readonly index: number },
): readonly FieldError[] {
  const here = `${at}[${index}]`;
  if (type === "FQDN") {
    return dnsSubdomain(address.replace(/\.$/, "")).map((problem) =>
      invalidValue(here, address, problem),
    );
  }
  const ip = parseIp(address);
  if (ip === undefined) {
    const text = "must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)";
    return [invalidValue(here, address, text)];
  }
  if (ip.family !== type) return [invalidValue(at, address, `must be an ${type} address`)];
  return specialIpProblems(ip).map((problem) => invalidValue(here, address, problem));
}

function validateHints(endpoint: JsonObject, at: string): readonly FieldError[] {
  const zones = listAt(endpoint, ["hints", "forZones"]).filter(isObject);
  const path = `${at}.hints.forZones`;
  if (zones.length > ZONE_HINTS_MAX) return [tooMany(path, zones.length, ZONE_HINTS_MAX)];
  const seen = new Set<string>();
  return zones.flatMap((zone, index) => {
    const name = stringAt(zone, ["name"]);
    const again = seen.has(name) ? [duplicate(`${path}[${index}].name`, name)] : [];
    seen.add(name);
    return [...again, ...check(zone, "name", `${path}[${index}]`, labelValue)];
  });
}

function validatePorts(slice: JsonObject): readonly FieldError[] {
  const ports = listAt(slice, ["ports"]).filter(isObject);
  if (ports.length > PORTS_MAX) return [tooMany("ports", ports.length, PORTS_MAX)];
  const names = new Set<string>();
  return ports.flatMap((port, index) => {
    const at = `ports[${index}]`;
    const name = stringAt(port, ["name"]);
    const protocol = stringAt(port, ["protocol"]);
    const again = names.has(name) ? [duplicate(`${at}.name`, name)] : [];
    names.add(name);
    return [
      ...check(port, "name", at, dnsLabel),
      ...again,
      ...(PROTOCOLS.includes(protocol)
        ? []
        : [notSupported(`${at}.protocol`, protocol, PROTOCOLS)]),
      ...check(port, "appProtocol", at, qualifiedName),
    ];
  });
}

/** A field that may be absent or empty. */
function check(
  object: JsonObject,
  name: string,
  at: string,
  rule: NameRule,
): readonly FieldError[] {
  const text = stringAt(object, [name]);
  if (text === "") return [];
  return rule(text).map((problem) => invalidValue(`${at}.${name}`, text, problem));
}
