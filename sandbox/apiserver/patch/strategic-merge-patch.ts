import { err, ok, type Result } from "../../../api/result.ts";
import {
  field,
  isList,
  isObject,
  type JsonObject,
  type JsonValue,
  ownFields,
  withField,
} from "../object/json.ts";
import { badRequest, type StatusError } from "../object/status-error.ts";
import { schemaOfField } from "../schema/prune-unknown.ts";
import type { Schema } from "../schema/schema.ts";
import {
  DELETE_FROM_PRIMITIVES,
  DIRECTIVE,
  isDirectiveKey,
  PatchError,
  RETAIN_KEYS,
  SET_ORDER,
  withoutDirectives,
  withoutDirectivesIn,
} from "./directives.ts";
import { inOrder } from "./element-order.ts";
import { mergeItems } from "./merge-items.ts";

/** Kubernetes' own merge patch: lists merge by the keys the schema names, `$patch` and its kin direct it. */
export function strategicMergePatch(
  document: JsonObject,
  patch: JsonValue,
  schema: Schema,
): Result<JsonObject, StatusError> {
  if (!isObject(patch)) {
    return err(badRequest("error decoding patch: a strategic merge patch must be a JSON object"));
  }
  try {
    return ok(mergeMap(document, patch, schema) ?? {});
  } catch (error) {
    if (error instanceof PatchError) return err(badRequest(error.message));
    throw error;
  }
}

/** `undefined`: the patch deletes the object itself. */
function mergeMap(target: JsonObject, patch: JsonObject, schema: Schema): JsonObject | undefined {
  const directive = field(patch, DIRECTIVE);
  const changes = withField(patch, DIRECTIVE, undefined);
  if (directive === "replace") return withoutDirectives(changes);
  if (directive === "delete") return undefined;
  if (directive !== undefined && directive !== "merge") {
    throw new PatchError(`Unknown patch type found: ${JSON.stringify(directive)}`);
  }
  return mergeFields(retained(target, changes), changes, schema);
}

/** With $retainKeys only the fields it names survive. */
function retained(target: JsonObject, patch: JsonObject): JsonObject {
  const keys = field(patch, RETAIN_KEYS);
  if (keys === undefined) return target;
  if (!isList(keys)) throw new PatchError("$retainKeys must be a list of field names");
  const set = Object.keys(patch).filter((key) => key !== RETAIN_KEYS && patch[key] !== null);
  if (set.some((key) => !keys.includes(key) && !isDirectiveKey(key))) {
    throw new PatchError("$retainKeys must name every field the patch sets");
  }
  return ownFields(Object.entries(target).filter(([key]) => keys.includes(key)));
}

function mergeFields(target: JsonObject, patch: JsonObject, schema: Schema): JsonObject {
  const merged = new Map(Object.entries(target));
  for (const [key, change] of Object.entries(patch)) {
    if (isDirectiveKey(key)) continue;
    const value = mergeField(merged.get(key), change, schemaOfField(schema, key) ?? {});
    if (value === undefined) merged.delete(key);
    else merged.set(key, value);
  }
  applyListDirectives(merged, patch, schema);
  return ownFields(merged);
}

function mergeField(
  current: JsonValue | undefined,
  change: JsonValue,
  schema: Schema,
): JsonValue | undefined {
  if (change === null) return undefined;
  if (isObject(change)) {
    // An atomic map still merges here: its atomicity is server-side apply's.
    return mergeMap(isObject(current) ? current : {}, change, schema);
  }
  if (!isList(change)) return change;
  if (!strategiesOf(schema).includes("merge")) return change.map(withoutDirectivesIn);
  return mergeItems({ current: isList(current) ? current : [], patch: change }, schema, mergeMap);
}

function applyListDirectives(
  merged: Map<string, JsonValue>,
  patch: JsonObject,
  schema: Schema,
): void {
  for (const [key, value] of Object.entries(patch)) {
    if (!key.startsWith(DELETE_FROM_PRIMITIVES) && !key.startsWith(SET_ORDER)) continue;
    if (!isList(value)) throw new PatchError(`${key} must be a list`);
    const name = key.slice(key.indexOf("/") + 1);
    const current = merged.get(name);
    if (!isList(current)) continue;
    if (key.startsWith(DELETE_FROM_PRIMITIVES)) {
      merged.set(
        name,
        current.filter((item) => !value.includes(item)),
      );
    } else {
      merged.set(name, inOrder(current, value, schemaOfField(schema, name) ?? {}));
    }
  }
}

function strategiesOf(schema: Schema): readonly string[] {
  return schema["x-kubernetes-patch-strategy"]?.split(",") ?? [];
}
