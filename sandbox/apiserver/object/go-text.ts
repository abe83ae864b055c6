import { isList, isObject, type JsonValue } from "./json.ts";

/** A value as Go prints it with `%v`: `x`, `map[a:1]`, `[1 2]`. */
export function goText(value: JsonValue): string {
  if (value === null) return "<nil>";
  if (isList(value)) return `[${value.map(goText).join(" ")}]`;
  if (!isObject(value)) return String(value);
  const entries = Object.entries(value).toSorted(([a], [b]) => (a < b ? -1 : 1));
  return `map[${entries.map(([key, item]) => `${key}:${goText(item)}`).join(" ")}]`;
}

/** A value as Go prints it with `%#v`. */
export function goSyntax(value: JsonValue): string {
  if (value === null) return "interface {}(nil)";
  if (isList(value)) return `${goTypeName(value)}{${value.map(goSyntax).join(", ")}}`;
  if (!isObject(value)) return JSON.stringify(value);
  const entries = Object.entries(value).toSorted(([a], [b]) => (a < b ? -1 : 1));
  const fields = entries.map(([key, item]) => `${JSON.stringify(key)}:${goSyntax(item)}`);
  return `${goTypeName(value)}{${fields.join(", ")}}`;
}

/** A value's type in Go after decoding JSON into an interface (`%T`). */
export function goTypeName(value: JsonValue): string {
  if (value === null) return "<nil>";
  if (isList(value)) return "[]interface {}";
  if (isObject(value)) return "map[string]interface {}";
  if (typeof value === "number") return Number.isInteger(value) ? "int64" : "float64";
  return typeof value === "boolean" ? "bool" : "string";
}
