import { type JsonObject, type JsonValue, stringAt } from "../../object/json.ts";
import { OBJECT_META } from "../../schema/object-schema.ts";
import type { PrinterColumn } from "../kind.ts";
import { humanDuration } from "./human-duration.ts";

/** A text column; `priority` 1 shows it only with `-o wide`. */
export function textColumn(
  name: string,
  description: string,
  value: (object: JsonObject) => JsonValue,
  priority = 0,
): PrinterColumn {
  return { name, type: "string", format: "", description, priority, value };
}

export const AGE_COLUMN: PrinterColumn = {
  name: "Age",
  type: "string",
  format: "",
  description: OBJECT_META.properties?.["creationTimestamp"]?.description ?? "",
  priority: 0,
  value: (object, { nowMs }) => ageOf(stringAt(object, ["metadata", "creationTimestamp"]), nowMs),
};

/** How long ago a timestamp was, `<unknown>` when there is none. */
export function ageOf(timestamp: string, nowMs: number): string {
  if (timestamp === "") return "<unknown>";
  const then = Date.parse(timestamp);
  return Number.isNaN(then) ? "<invalid>" : humanDuration(nowMs - then);
}

/** `a=b,c=d`, `<none>` when empty. */
export function labelsText(labels: JsonObject): string {
  const pairs = Object.entries(labels)
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, value]) => `${key}=${typeof value === "string" ? value : JSON.stringify(value)}`);
  return pairs.length === 0 ? "<none>" : pairs.join(",");
}
