import {
  field,
  type JsonObject,
  objectAt,
  stringAt,
  withField,
  withFieldAt,
} from "../../object/json.ts";
import { dnsLabel } from "../../object/name-rules.ts";
import { setList, struct, text } from "../../schema/build-schema.ts";
import { builtinKind } from "../builtin-kind.ts";
import { AGE_COLUMN, textColumn } from "../columns/printer-columns.ts";
import { CONDITION_LIST } from "../condition-schema.ts";
import { ALL_VERBS } from "../kind.ts";

/** Every namespace carries its name as a label, so that selectors can pick it. */
const NAME_LABEL = "kubernetes.io/metadata.name";

export const NAMESPACE = builtinKind({
  group: "",
  version: "v1",
  kind: "Namespace",
  plural: "namespaces",
  shortNames: ["ns"],
  namespaced: false,
  verbs: ALL_VERBS.filter((verb) => verb !== "deletecollection"),
  subresources: { status: true },
  description: "Namespace provides a scope for Names. Use of multiple namespaces is optional.",
  properties: {
    spec: struct("NamespaceSpec", "Spec defines the behavior of the Namespace.", {
      finalizers: {
        ...setList("Must be empty before the namespace is removed.", text("A finalizer.")),
        "x-kubernetes-list-type": "atomic",
      },
    }),
    status: struct("NamespaceStatus", "Status describes the current status of a Namespace.", {
      phase: text("Active or Terminating."),
      conditions: CONDITION_LIST,
    }),
  },
  empty: { spec: {}, status: {} },
  columns: [
    textColumn("Status", "The status of the namespace", (ns) => stringAt(ns, ["status", "phase"])),
    AGE_COLUMN,
  ],
  name: dnsLabel,
  rules: {
    initialStatus: { phase: "Active" },
    applyDefaults: (namespace) => withNameLabel(withStructs(namespace)),
    initialize: (namespace) =>
      withNameLabel(withFieldAt(namespace, ["spec", "finalizers"], ["kubernetes"])),
    // Only the finalize subresource changes these.
    carryOver: (next, old) => withField(next, "spec", objectAt(old, ["spec"])),
  },
});

function withStructs(namespace: JsonObject): JsonObject {
  const spec = field(namespace, "spec") ?? {};
  return { ...namespace, spec, status: field(namespace, "status") ?? {} };
}

function withNameLabel(namespace: JsonObject): JsonObject {
  const name = stringAt(namespace, ["metadata", "name"]);
  const labels = objectAt(namespace, ["metadata", "labels"]);
  if (name === "" || field(labels, NAME_LABEL) !== undefined) return namespace;
  return withFieldAt(namespace, ["metadata", "labels", NAME_LABEL], name);
}
