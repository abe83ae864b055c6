import { isRecord } from "../../../api/json.ts";
/**
 * The part of a recorded answer that the embedded server can have: the real one serves more kinds, and its
 * EndpointSlice controller makes slices of its own.
 */
export function servedPart(expected: unknown, actual: unknown): unknown {
  if (Array.isArray(expected)) {
    const others = Array.isArray(actual) ? actual : [];
    const names = new Map(others.map((item) => [nameOf(item), item]));
    return expected
      .filter((item) => !isControllerSlice(item))
      .filter((item) => !isServable(item) || names.has(nameOf(item)))
      .map((item, at) => servedPart(item, names.get(nameOf(item)) ?? others[at]));
  }
  if (!isRecord(expected)) return expected;
  const entries = Object.entries(expected).flatMap(([key, value]) => {
    const other = isRecord(actual) ? actual[key] : undefined;
    const isPath = isRecord(value) && "serverRelativeURL" in value;
    if (isPath && other === undefined) return [];
    const part = servedPart(value, other);
    // A resource none of whose subresources are served has no such list.
    const isEmptied = key === "subresources" && Array.isArray(part) && part.length === 0;
    return isEmptied && other === undefined ? [] : [[key, part]];
  });
  return Object.fromEntries(entries);
}

/** What discovery lists: groups, resources, subresources. */
function isServable(item: unknown): boolean {
  return (
    isRecord(item) && ("verbs" in item || "preferredVersion" in item || "responseKind" in item)
  );
}

function nameOf(item: unknown): unknown {
  if (!isRecord(item)) return item;
  return item["name"] ?? item["resource"] ?? item["subresource"] ?? JSON.stringify(item);
}

function isControllerSlice(item: unknown): boolean {
  return (
    isRecord(item) &&
    JSON.stringify(item["metadata"] ?? item["object"] ?? "").includes(
      "endpointslice.kubernetes.io/managed-by",
    )
  );
}
