import { type FieldError, invalidValue } from "../../object/field-error.ts";
import { field, type JsonObject, type JsonValue, stringAt, withField } from "../../object/json.ts";
import { dnsSubdomain } from "../../object/name-rules.ts";
import { builtinKind, builtinSchema } from "../builtin-kind.ts";
import { ageOf, textColumn } from "../columns/printer-columns.ts";
import type { Kind, PrinterColumn } from "../kind.ts";
import { CORE_EVENT_PROPERTIES, NEW_EVENT_PROPERTIES } from "./event-schema.ts";

const DESCRIPTION = "Event is a report of an event somewhere in the cluster.";

/** Fields of the core form that an object always has; null and "" are written. */
const EMPTY: JsonObject = {
  involvedObject: {},
  source: {},
  firstTimestamp: null,
  lastTimestamp: null,
  eventTime: null,
  reportingComponent: "",
  reportingInstance: "",
};

/** The same field in both groups: core name, events.k8s.io name. */
const RENAMED: readonly (readonly [core: string, other: string])[] = [
  ["involvedObject", "regarding"],
  ["message", "note"],
  ["reportingComponent", "reportingController"],
  ["source", "deprecatedSource"],
  ["firstTimestamp", "deprecatedFirstTimestamp"],
  ["lastTimestamp", "deprecatedLastTimestamp"],
  ["count", "deprecatedCount"],
];

const COLUMNS: readonly PrinterColumn[] = [
  { ...textColumn("Last Seen", "Time the event was last seen.", () => ""), value: lastSeen },
  textColumn("Type", "Normal or Warning.", (event) => stringAt(event, ["type"])),
  textColumn("Reason", "Why the event was made.", (event) => stringAt(event, ["reason"])),
  textColumn("Object", "What the event is about.", (event) => {
    const about = field(event, "involvedObject") ?? field(event, "regarding");
    const kind = stringAt(about, ["kind"]).toLowerCase();
    return kind === "" ? stringAt(about, ["name"]) : `${kind}/${stringAt(about, ["name"])}`;
  }),
  textColumn("Message", "What happened.", (event) =>
    (stringAt(event, ["message"]) || stringAt(event, ["note"])).trim(),
  ),
];

export const EVENT = builtinKind({
  group: "",
  version: "v1",
  kind: "Event",
  plural: "events",
  shortNames: ["ev"],
  namespaced: true,
  description: DESCRIPTION,
  properties: CORE_EVENT_PROPERTIES,
  empty: EMPTY,
  columns: COLUMNS,
  name: dnsSubdomain,
  rules: {
    applyDefaults: (event) =>
      Object.entries(EMPTY).reduce(
        (filled, [name, value]) =>
          field(filled, name) === undefined ? withField(filled, name, value) : filled,
        event,
      ),
    validate: validateEvent,
  },
});

/** The events.k8s.io view of the same storage. */
export const NEW_EVENT: Kind = {
  ...EVENT,
  group: "events.k8s.io",
  versions: EVENT.versions.map((version) => ({
    ...version,
    schema: builtinSchema({
      group: "events.k8s.io",
      version: "v1",
      kind: "Event",
      description: DESCRIPTION,
      properties: NEW_EVENT_PROPERTIES,
    }),
    emptyObject: fromCore(version.emptyObject),
    toStorage: toCore,
    fromStorage: (event: JsonObject) => ({ ...fromCore(event), apiVersion: "events.k8s.io/v1" }),
  })),
};

function toCore(event: JsonObject): JsonObject {
  const renamed = RENAMED.reduce((next, [core, other]) => rename(next, other, core), event);
  return withField(renamed, "apiVersion", "v1");
}

function fromCore(event: JsonObject): JsonObject {
  return RENAMED.reduce((next, [core, other]) => rename(next, core, other), event);
}

function rename(object: JsonObject, from: string, to: string): JsonObject {
  const value: JsonValue | undefined = field(object, from);
  return value === undefined ? object : withField(withField(object, from, undefined), to, value);
}

function validateEvent(event: JsonObject): readonly FieldError[] {
  const about = stringAt(event, ["involvedObject", "namespace"]);
  const namespace = stringAt(event, ["metadata", "namespace"]);
  // Events about cluster-scoped objects live in "default".
  if (about === namespace || (about === "" && namespace === "default")) return [];
  return [invalidValue("involvedObject.namespace", about, "does not match event.namespace")];
}

function lastSeen(event: JsonObject, { nowMs }: { readonly nowMs: number }): string {
  const seen =
    stringAt(event, ["series", "lastObservedTime"]) ||
    stringAt(event, ["lastTimestamp"]) ||
    stringAt(event, ["deprecatedLastTimestamp"]) ||
    stringAt(event, ["eventTime"]) ||
    stringAt(event, ["metadata", "creationTimestamp"]);
  return ageOf(seen, nowMs);
}
