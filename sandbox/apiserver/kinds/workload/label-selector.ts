import { goText } from "../../object/go-text.ts";
import {
  field,
  isObject,
  type JsonObject,
  jsonEquals,
  listAt,
  objectAt,
  stringAt,
} from "../../object/json.ts";

/** Whether a LabelSelector (metav1) selects these labels. */
export function selects(selector: JsonObject, labels: JsonObject): boolean {
  const exact = Object.entries(objectAt(selector, ["matchLabels"]));
  if (!exact.every(([key, value]) => jsonEquals(field(labels, key), value))) return false;
  return listAt(selector, ["matchExpressions"])
    .filter(isObject)
    .every((requirement) => meets(requirement, labels));
}

function meets(requirement: JsonObject, labels: JsonObject): boolean {
  const value = field(labels, stringAt(requirement, ["key"]));
  const listed = value !== undefined && listAt(requirement, ["values"]).includes(value);
  switch (stringAt(requirement, ["operator"])) {
    case "In":
      return listed;
    case "NotIn":
      return !listed;
    case "Exists":
      return value !== undefined;
    case "DoesNotExist":
      return value === undefined;
    default:
      return false;
  }
}

/** A LabelSelector as text: `app=web,tier in (a,b)`. */
export function formatSelector(selector: JsonObject): string {
  const exact = Object.entries(objectAt(selector, ["matchLabels"])).map(
    ([key, value]) => `${key}=${goText(value)}`,
  );
  const others = listAt(selector, ["matchExpressions"]).filter(isObject).map(formatRequirement);
  return [...exact, ...others].toSorted().join(",");
}

function formatRequirement(requirement: JsonObject): string {
  const key = stringAt(requirement, ["key"]);
  const values = listAt(requirement, ["values"]).map(goText).toSorted().join(",");
  switch (stringAt(requirement, ["operator"])) {
    case "Exists":
      return key;
    case "DoesNotExist":
      return `!${key}`;
    case "NotIn":
      return `${key} notin (${values})`;
    default:
      return `${key} in (${values})`;
  }
}
