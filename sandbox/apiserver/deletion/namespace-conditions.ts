import { isObject, type JsonObject, type JsonValue, listAt, stringAt } from "../object/json.ts";
import { rfc3339 } from "../object/timestamp.ts";

/**
 * Conditions of a namespace that waits for its content, as the real namespace controller words them.
 * `left` holds what remains, by `plural.group`.
 */
export function namespaceConditions(
  current: readonly JsonValue[],
  left: ReadonlyMap<string, readonly JsonObject[]>,
  nowMs: number,
): readonly JsonValue[] {
  const finalizers = finalizersOf(left);
  const fresh = [
    condition(
      "NamespaceDeletionDiscoveryFailure",
      "False",
      "ResourcesDiscovered",
      "All resources successfully discovered",
    ),
    condition(
      "NamespaceDeletionGroupVersionParsingFailure",
      "False",
      "ParsedGroupVersions",
      "All legacy kube types successfully parsed",
    ),
    condition(
      "NamespaceDeletionContentFailure",
      "False",
      "ContentDeleted",
      "All content successfully deleted, may be waiting on finalization",
    ),
    left.size > 0
      ? condition(
          "NamespaceContentRemaining",
          "True",
          "SomeResourcesRemain",
          `Some resources are remaining: ${describeContent(left)}`,
        )
      : condition(
          "NamespaceContentRemaining",
          "False",
          "ContentRemoved",
          "All content successfully removed",
        ),
    finalizers.size > 0
      ? condition(
          "NamespaceFinalizersRemaining",
          "True",
          "SomeFinalizersRemain",
          `Some content in the namespace has finalizers remaining: ${describeFinalizers(finalizers)}`,
        )
      : condition(
          "NamespaceFinalizersRemaining",
          "False",
          "ContentHasNoFinalizers",
          "All content-preserving finalizers finished",
        ),
  ];
  return fresh.map((next) => withTransition(next, current, nowMs));
}

function condition(type: string, status: string, reason: string, message: string): JsonObject {
  return { type, status, reason, message };
}

function withTransition(
  next: JsonObject,
  current: readonly JsonValue[],
  nowMs: number,
): JsonObject {
  const before = current.find(
    (one) =>
      stringAt(one, ["type"]) === next["type"] && stringAt(one, ["status"]) === next["status"],
  );
  const since = isObject(before) ? stringAt(before, ["lastTransitionTime"]) : rfc3339(nowMs);
  return { ...next, lastTransitionTime: since };
}

function describeContent(left: ReadonlyMap<string, readonly JsonObject[]>): string {
  return [...left]
    .map(([resource, objects]) => `${resource} has ${objects.length} resource instances`)
    .sort()
    .join(", ");
}

function describeFinalizers(finalizers: ReadonlyMap<string, number>): string {
  return [...finalizers]
    .map(([finalizer, count]) => `${finalizer} in ${count} resource instances`)
    .sort()
    .join(", ");
}

function finalizersOf(left: ReadonlyMap<string, readonly JsonObject[]>): Map<string, number> {
  const counts = new Map<string, number>();
  for (const objects of left.values()) {
    for (const object of objects) {
      for (const finalizer of listAt(object, ["metadata", "finalizers"])) {
        if (typeof finalizer !== "string") continue;
        counts.set(finalizer, (counts.get(finalizer) ?? 0) + 1);
      }
    }
  }
  return counts;
}
