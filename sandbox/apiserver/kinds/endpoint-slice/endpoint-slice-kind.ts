import {
  field,
  isObject,
  type JsonObject,
  jsonEquals,
  listAt,
  numberAt,
  objectAt,
  stringAt,
  withField,
  withFieldAt,
} from "../../object/json.ts";
import { dnsSubdomain } from "../../object/name-rules.ts";
import { builtinKind } from "../builtin-kind.ts";
import { AGE_COLUMN, textColumn } from "../columns/printer-columns.ts";
import { ENDPOINT_SLICE_PROPERTIES } from "./endpoint-slice-schema.ts";
import { validateEndpointSlice, validateEndpointSliceUpdate } from "./endpoint-slice-validation.ts";

/** What the columns name before they write "more". */
const SHOWN_MAX = 3;

export const ENDPOINT_SLICE = builtinKind({
  group: "discovery.k8s.io",
  version: "v1",
  kind: "EndpointSlice",
  plural: "endpointslices",
  namespaced: true,
  description:
    "EndpointSlice represents a set of service endpoints. Most EndpointSlices are created by the EndpointSlice controller to represent the Pods selected by Service objects. For a given service there may be multiple EndpointSlice objects which must be joined to produce the full set of endpoints.",
  properties: ENDPOINT_SLICE_PROPERTIES,
  empty: { addressType: "", endpoints: null, ports: null },
  columns: [
    textColumn("AddressType", describe("addressType"), (slice) => stringAt(slice, ["addressType"])),
    textColumn("Ports", describe("ports"), portsText),
    textColumn("Endpoints", describe("endpoints"), endpointsText),
    AGE_COLUMN,
  ],
  name: dnsSubdomain,
  generation: true,
  rules: {
    applyDefaults: defaultSlice,
    carryOver: countLabelChange,
    validate: (slice, _context, old) => validateEndpointSlice(slice, old),
    validateUpdate: validateEndpointSliceUpdate,
  },
});

/** endpoints and ports are always written, null when there are none. */
function defaultSlice(slice: JsonObject): JsonObject {
  const endpoints = listAt(slice, ["endpoints"]).map((endpoint) =>
    isObject(endpoint)
      ? { ...endpoint, conditions: field(endpoint, "conditions") ?? {} }
      : endpoint,
  );
  const ports = listAt(slice, ["ports"]).map((port) =>
    isObject(port)
      ? { ...port, name: field(port, "name") ?? "", protocol: field(port, "protocol") ?? "TCP" }
      : port,
  );
  const withEndpoints = withField(slice, "endpoints", endpoints.length === 0 ? null : endpoints);
  return withField(withEndpoints, "ports", ports.length === 0 ? null : ports);
}

/** Unlike in other kinds, a change of labels is a new generation: they tell which Service the slice is of. */
function countLabelChange(next: JsonObject, old: JsonObject): JsonObject {
  const labels = ["metadata", "labels"];
  if (jsonEquals(objectAt(next, labels), objectAt(old, labels))) return next;
  const generation = (numberAt(old, ["metadata", "generation"]) ?? 0) + 1;
  return withFieldAt(next, ["metadata", "generation"], generation);
}

function describe(name: string): string {
  return ENDPOINT_SLICE_PROPERTIES[name]?.description ?? "";
}

function portsText(slice: JsonObject): string {
  const ports = listAt(slice, ["ports"]).map((port) => String(numberAt(port, ["port"]) ?? "*"));
  return shorten(ports);
}

function endpointsText(slice: JsonObject): string {
  const addresses = listAt(slice, ["endpoints"])
    .flatMap((endpoint) => listAt(endpoint, ["addresses"]))
    .filter((address) => typeof address === "string");
  return shorten(addresses);
}

function shorten(texts: readonly string[]): string {
  if (texts.length === 0) return "<unset>";
  const shown = texts.slice(0, SHOWN_MAX).join(",");
  return texts.length > SHOWN_MAX ? `${shown} + ${texts.length - SHOWN_MAX} more...` : shown;
}
