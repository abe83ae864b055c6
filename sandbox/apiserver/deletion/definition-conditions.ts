import {
  type JsonObject,
  type JsonValue,
  listAt,
  objectAt,
  stringAt,
  withFieldAt,
} from "../object/json.ts";
import { rfc3339 } from "../object/timestamp.ts";
import type { KindRegistry } from "../registry/kind-registry.ts";

/** The definition with its names accepted and established, or with the reason why not. */
export function acceptNames(
  definition: JsonObject,
  kinds: KindRegistry,
  nowMs: number,
): JsonObject {
  const taken = takenName(definition, kinds);
  const wanted =
    taken === undefined
      ? [
          condition("NamesAccepted", "True", "NoConflicts", "no conflicts found"),
          condition(
            "Established",
            "True",
            "InitialNamesAccepted",
            "the initial names have been accepted",
          ),
        ]
      : [
          condition(
            "NamesAccepted",
            "False",
            "NameConflict",
            `${JSON.stringify(taken)} is already in use`,
          ),
          condition("Established", "False", "NotAccepted", "not all names are accepted"),
        ];
  let conditions = listAt(definition, ["status", "conditions"]);
  for (const next of wanted) conditions = withCondition(conditions, next, nowMs);
  const named = withFieldAt(definition, ["status", "conditions"], conditions);
  if (taken !== undefined) return named;
  return withFieldAt(named, ["status", "acceptedNames"], objectAt(definition, ["spec", "names"]));
}

export function isEstablished(definition: JsonObject): boolean {
  return listAt(definition, ["status", "conditions"]).some(
    (one) => stringAt(one, ["type"]) === "Established" && stringAt(one, ["status"]) === "True",
  );
}

/** A plural or kind of the same group that another kind has. */
function takenName(definition: JsonObject, kinds: KindRegistry): string | undefined {
  const own = kinds.custom(stringAt(definition, ["metadata", "name"]));
  const group = stringAt(definition, ["spec", "group"]);
  const plural = stringAt(definition, ["spec", "names", "plural"]);
  const kindName = stringAt(definition, ["spec", "names", "kind"]);
  for (const kind of kinds.all()) {
    if (kind === own || kind.group !== group) continue;
    if (kind.plural === plural) return plural;
    if (kind.kind === kindName) return kindName;
  }
  return undefined;
}

function condition(type: string, status: string, reason: string, message: string): JsonObject {
  return { type, status, reason, message };
}

function withCondition(
  conditions: readonly JsonValue[],
  next: JsonObject,
  nowMs: number,
): readonly JsonValue[] {
  const at = conditions.findIndex((one) => stringAt(one, ["type"]) === next["type"]);
  const current = conditions[at];
  if (current === undefined) {
    return [...conditions, { lastTransitionTime: rfc3339(nowMs), ...next }];
  }
  if (stringAt(current, ["status"]) === next["status"]) return conditions;
  return conditions.with(at, { lastTransitionTime: rfc3339(nowMs), ...next });
}
