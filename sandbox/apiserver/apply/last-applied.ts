import { goText } from "../object/go-text.ts";
import {
  isObject,
  type JsonObject,
  type JsonValue,
  objectAt,
  ownFields,
  stringAt,
  withFieldAt,
} from "../object/json.ts";
import { ANNOTATIONS_BYTES_MAX } from "../object/validate-metadata.ts";
import type { Schema } from "../schema/schema.ts";
import { compare } from "./compare.ts";
import { difference, EMPTY_SET, type FieldSet } from "./field-set.ts";
import { fieldSetOf } from "./field-set-of.ts";

const ANNOTATION = "kubectl.kubernetes.io/last-applied-configuration";
const PATH = ["metadata", "annotations", ANNOTATION];

/** The manager as which `kubectl apply --server-side` comes; only it inherits from `kubectl apply`. */
const KUBECTL = "kubectl";

interface Base {
  readonly manager: string;
  readonly apiVersion: string;
  readonly version: { readonly schema: Schema };
}

/**
 * What an earlier client-side `kubectl apply` set and nobody changed since: `kubectl apply --server-side` may take it over without a
 * conflict. Nothing for other managers.
 */
export function inherited({ manager, apiVersion, version }: Base, live: JsonObject): FieldSet {
  const text = stringAt(live, PATH);
  if (manager !== KUBECTL || text === "") return EMPTY_SET;
  const last = parseObject(text);
  if (last === undefined || stringAt(last, ["apiVersion"]) !== apiVersion) return EMPTY_SET;
  const { added, modified, removed } = compare(version.schema, last, live);
  return [added, modified, removed].reduce(difference, fieldSetOf(version.schema, last));
}

/** Keeps the annotation, where there is one, what kubectl applied last, so that a later client-side apply still works. */
export function withLastApplied(
  object: JsonObject,
  { manager }: Pick<Base, "manager">,
  applied: JsonObject,
): JsonObject {
  if (manager !== KUBECTL || stringAt(object, PATH) === "") return object;
  const text = `${JSON.stringify(sorted(withFieldAt(applied, PATH, undefined)))}\n`;
  const next = withFieldAt(object, PATH, text);
  const annotations = Object.entries(objectAt(next, PATH.slice(0, -1)));
  const bytes = annotations.reduce(
    (sum, [key, value]) => sum + Buffer.byteLength(key + goText(value)),
    0,
  );
  return bytes > ANNOTATIONS_BYTES_MAX ? withFieldAt(object, PATH, undefined) : next;
}

function parseObject(text: string): JsonObject | undefined {
  try {
    const value: JsonValue = JSON.parse(text) as JsonValue;
    return isObject(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

function sorted(value: JsonValue): JsonValue {
  if (Array.isArray(value)) return value.map(sorted);
  if (!isObject(value)) return value;
  const entries = Object.entries(value).toSorted(([a], [b]) => (a < b ? -1 : 1));
  return ownFields(entries.map(([key, item]) => [key, sorted(item)]));
}
