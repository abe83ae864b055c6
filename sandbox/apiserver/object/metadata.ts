import { generatedName } from "./generate-name.ts";
import {
  field,
  type JsonObject,
  type JsonValue,
  jsonEquals,
  numberAt,
  objectAt,
  stringAt,
  withField,
  withFieldAt,
} from "./json.ts";
import { rfc3339 } from "./timestamp.ts";

export interface CreationContext {
  readonly nowMs: number;
  newUid(): string;
  randomSuffix(): string;
}

/** Whether a kind counts the versions of its spec in metadata.generation. */
export interface GenerationRule {
  readonly generation: boolean;
}

/** Fields of metadata that only the server writes: a client's value is replaced. */
const SERVER_OWNED = [
  "creationTimestamp",
  "deletionTimestamp",
  "deletionGracePeriodSeconds",
  "generation",
  "selfLink",
] as const;

/** The metadata of a new object: name from generateName, uid, creationTimestamp. */
export function withMetadataForCreate(
  object: JsonObject,
  { generation }: GenerationRule,
  context: CreationContext,
): JsonObject {
  const metadata = withoutFields(objectAt(object, ["metadata"]), [...SERVER_OWNED, "uid"]);
  const prefix = stringAt(metadata, ["generateName"]);
  const generated = stringAt(metadata, ["name"]) === "" && prefix !== "";
  return withField(object, "metadata", {
    ...metadata,
    ...(generated ? { name: generatedName(prefix, context.randomSuffix()) } : {}),
    uid: context.newUid(),
    creationTimestamp: rfc3339(context.nowMs),
    ...(generation ? { generation: 1 } : {}),
  });
}

/**
 * The metadata of an updated object: what an update cannot change comes from `old`. A changed `uid` is kept for validation to refuse.
 */
export function withMetadataForUpdate(next: JsonObject, old: JsonObject): JsonObject {
  const before = objectAt(old, ["metadata"]);
  let metadata = withoutFields(objectAt(next, ["metadata"]), SERVER_OWNED);
  for (const name of [...SERVER_OWNED, "generateName"]) {
    const value = field(before, name);
    if (value !== undefined && field(metadata, name) === undefined) {
      metadata = withField(metadata, name, value);
    }
  }
  for (const name of ["name", "namespace", "uid"]) {
    const value = field(before, name);
    if (value !== undefined && stringAt(metadata, [name]) === "") {
      metadata = withField(metadata, name, value);
    }
  }
  return withField(next, "metadata", metadata);
}

/** Counts a new generation when anything but metadata and status changed. */
export function withGeneration(next: JsonObject, old: JsonObject): JsonObject {
  if (jsonEquals(specPart(next), specPart(old))) return next;
  const generation = (numberAt(old, ["metadata", "generation"]) ?? 0) + 1;
  return withFieldAt(next, ["metadata", "generation"], generation);
}

function specPart(object: JsonObject): JsonValue {
  return withoutFields(object, ["apiVersion", "kind", "metadata", "status"]);
}

function withoutFields(object: JsonObject, names: readonly string[]): JsonObject {
  return names.reduce((rest, name) => withField(rest, name, undefined), object);
}
