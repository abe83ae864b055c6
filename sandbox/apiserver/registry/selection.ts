import { matchesLabels, parseLabelSelector } from "../../../api/kube/selector/label-selector.ts";
import { err, ok, type Result } from "../../../api/result.ts";
import { type JsonObject, objectAt } from "../object/json.ts";
import { badRequest, type StatusError } from "../object/status-error.ts";
import { matchesFields, parseFieldSelector } from "../selector/field-selector.ts";
import { checkFieldSelector, readSelectableField } from "../selector/selectable-fields.ts";
import type { ServedKind } from "./kind-registry.ts";

/** Which objects of a collection a list, watch or deletecollection is about. */
export interface Selection {
  /** False when every object is selected. */
  readonly narrows: boolean;
  /** The one name that can match, when the field selector names it. */
  readonly name?: string;
  /** `object` is in the requested version. */
  matches(object: JsonObject): boolean;
}

export function parseSelection(
  { kind }: ServedKind,
  labelText: string,
  fieldText: string,
): Result<Selection, StatusError> {
  const labels = parseLabelSelector(labelText);
  if (!labels.ok) return err(badRequest(labels.error));
  const fields = parseFieldSelector(fieldText);
  if (!fields.ok) return err(badRequest(fields.error));
  const known = checkFieldSelector(`${kind.group}/${kind.plural}`, fields.value);
  if (!known.ok) return err(badRequest(known.error));
  const name = fields.value.find(({ field, equal }) => field === "metadata.name" && equal)?.value;
  return ok({
    narrows: labels.value.length + fields.value.length > 0,
    ...(name === undefined ? {} : { name }),
    matches: (object) =>
      matchesLabels(labels.value, labelsOf(object)) &&
      matchesFields(fields.value, (field) => readSelectableField(object, field)),
  });
}

function labelsOf(object: JsonObject): Record<string, string> {
  const labels: Record<string, string> = {};
  for (const [key, value] of Object.entries(objectAt(object, ["metadata", "labels"]))) {
    if (typeof value === "string") labels[key] = value;
  }
  return labels;
}
