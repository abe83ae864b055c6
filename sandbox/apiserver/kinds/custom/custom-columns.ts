import {
  isList,
  isObject,
  type JsonObject,
  type JsonValue,
  numberAt,
  stringAt,
} from "../../object/json.ts";
import { parseJsonPath } from "../columns/json-path.ts";
import { ageOf } from "../columns/printer-columns.ts";
import type { PrinterColumn } from "../kind.ts";

const AGE: JsonObject = { name: "Age", type: "date", jsonPath: ".metadata.creationTimestamp" };

/** The additionalPrinterColumns of a version; only Age when it names none. */
export function customColumns(columns: JsonValue | undefined): readonly PrinterColumn[] {
  const named = isList(columns) ? columns.filter(isObject) : [];
  return (named.length === 0 ? [AGE] : named).map(customColumn);
}

function customColumn(column: JsonObject): PrinterColumn {
  const type = stringAt(column, ["type"]);
  const text = stringAt(column, ["jsonPath"]);
  const path = parseJsonPath(text);
  const description = stringAt(column, ["description"]);
  return {
    name: stringAt(column, ["name"]),
    type,
    format: stringAt(column, ["format"]),
    description:
      description === ""
        ? `Custom resource definition column (in JSONPath format): ${text}`
        : description,
    priority: numberAt(column, ["priority"]) ?? 0,
    value: (object, { nowMs }) => {
      const [found] = path.ok ? path.value(object) : [];
      return cellOf(type, found, nowMs);
    },
  };
}

/** A value of the wrong type leaves its cell empty, except that a string column shows any value as JSON. */
function cellOf(type: string, value: JsonValue | undefined, nowMs: number): JsonValue {
  if (value === undefined || value === null) return null;
  switch (type) {
    case "integer":
      return typeof value === "number" ? Math.trunc(value) : null;
    case "number":
      return typeof value === "number" ? value : null;
    case "boolean":
      return typeof value === "boolean" ? value : null;
    case "date":
      return typeof value === "string" ? ageOf(value, nowMs) : null;
    case "string":
      return typeof value === "string" ? value : JSON.stringify(value);
    default:
      return null;
  }
}
