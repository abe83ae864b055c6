import { isRecord } from "../json.ts";
import type { Condition } from "../kube/condition.ts";
import { wrong } from "./wrong-part.ts";

/** The map at `key` of `parent`, entries that are not strings left out; undefined when there is none. */
export function stringMap(
  parent: unknown,
  key: string,
  problems: string[],
): Readonly<Record<string, string>> | undefined {
  const map = isRecord(parent) ? parent[key] : undefined;
  if (map === undefined || map === null) return undefined;
  if (!isRecord(map)) {
    problems.push(wrong(key, "a map of strings", map));
    return undefined;
  }
  const entries: [string, string][] = [];
  for (const [name, value] of Object.entries(map)) {
    if (typeof value === "string") entries.push([name, value]);
    else problems.push(wrong(`${key}.${name}`, "a string", value));
  }
  return Object.fromEntries(entries);
}

/** The list at `key` of `parent`, items for which `parse` gives undefined left out; undefined when there is none. */
export function list<T>(
  parent: unknown,
  key: string,
  problems: string[],
  parse: (item: unknown) => T | undefined,
): readonly T[] | undefined {
  const items = isRecord(parent) ? parent[key] : undefined;
  if (items === undefined || items === null) return undefined;
  if (!Array.isArray(items)) {
    problems.push(wrong(key, "a list", items));
    return undefined;
  }
  return items.flatMap((item: unknown) => {
    const parsed = parse(item);
    if (parsed === undefined) problems.push(wrong(key, "a list of well-formed items", item));
    return parsed === undefined ? [] : [parsed];
  });
}

export function parseConditions(
  status: unknown,
  problems: string[],
): readonly Condition[] | undefined {
  return list(status, "conditions", problems, (item) => (isCondition(item) ? item : undefined));
}

function isCondition(value: unknown): value is Condition {
  return (
    isRecord(value) &&
    ["type", "reason", "message", "lastTransitionTime"].every(
      (key) => typeof value[key] === "string",
    ) &&
    (value["status"] === "True" || value["status"] === "False" || value["status"] === "Unknown")
  );
}
