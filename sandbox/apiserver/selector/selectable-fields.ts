import { err, ok, type Result } from "../../../api/result.ts";
import { fieldAt, type JsonObject } from "../object/json.ts";
import type { FieldSelector } from "./field-selector.ts";

/** Fields by which a kind may be selected, besides metadata.name and metadata.namespace. */
const SELECTABLE: Readonly<Record<string, readonly string[]>> = {
  "/pods": [
    "spec.nodeName",
    "spec.restartPolicy",
    "spec.schedulerName",
    "spec.serviceAccountName",
    "spec.hostNetwork",
    "status.phase",
    "status.podIP",
    "status.nominatedNodeName",
  ],
  "/services": ["spec.clusterIP", "spec.type"],
  "/namespaces": ["status.phase"],
  "/nodes": ["spec.unschedulable"],
  "/secrets": ["type"],
  "/events": [
    "involvedObject.kind",
    "involvedObject.namespace",
    "involvedObject.name",
    "involvedObject.uid",
    "involvedObject.apiVersion",
    "involvedObject.resourceVersion",
    "involvedObject.fieldPath",
    "reason",
    "reportingComponent",
    "source",
    "type",
  ],
  "events.k8s.io/events": [
    "regarding.kind",
    "regarding.namespace",
    "regarding.name",
    "regarding.uid",
    "regarding.apiVersion",
    "regarding.resourceVersion",
    "regarding.fieldPath",
    "reason",
    "reportingController",
    "type",
  ],
  "apps/replicasets": ["status.replicas"],
};

const COMMON = ["metadata.name", "metadata.namespace"];

/** `resource` is `group/plural`. Error texts are the real server's. */
export function checkFieldSelector(
  resource: string,
  selector: FieldSelector,
): Result<void, string> {
  const own = SELECTABLE[resource];
  for (const { field } of selector) {
    if (COMMON.includes(field) || own?.includes(field) === true) continue;
    if (own !== undefined) return err(`field label not supported: ${field}`);
    return err(
      `${JSON.stringify(field)} is not a known field selector: only "metadata.name", "metadata.namespace"`,
    );
  }
  return ok(undefined);
}

/** Value of a selectable field of an object in the requested version; "" when unset. */
export function readSelectableField(object: JsonObject, path: string): string {
  if (path === "source" && typeof fieldAt(object, ["source"]) === "object") {
    return (
      text(fieldAt(object, ["source", "component"])) ||
      text(fieldAt(object, ["reportingComponent"]))
    );
  }
  const value = fieldAt(object, path.split("."));
  if (value === undefined && (path === "spec.hostNetwork" || path === "spec.unschedulable")) {
    return "false";
  }
  return text(value);
}

function text(value: unknown): string {
  return typeof value === "string" || typeof value === "number" || typeof value === "boolean"
    ? String(value)
    : "";
}
