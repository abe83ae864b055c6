import { err, ok, type Result } from "../../../api/result.ts";
import {
  isList,
  isObject,
  type JsonObject,
  type JsonValue,
  jsonEquals,
  withField,
} from "../object/json.ts";
import { badRequest, type StatusError, unprocessable } from "../object/status-error.ts";

/** A client may not make the server copy without end (the real server's bound). BOUNDED: by this number. */
const OPERATIONS_MAX = 10_000;

type Outcome = Result<JsonValue, StatusError>;

interface Operation {
  readonly op: string;
  readonly path: readonly string[];
  readonly from: readonly string[];
  readonly value: JsonValue | undefined;
}

/** JSON patch (RFC 6902). A patch that does not apply (failed test, missing path) is 422, one that cannot be read 400. */
export function jsonPatch(document: JsonObject, patch: JsonValue): Result<JsonObject, StatusError> {
  if (!isList(patch)) return err(badRequest("error decoding patch: must be a JSON array"));
  if (patch.length > OPERATIONS_MAX) {
    const seen = `must have at most ${OPERATIONS_MAX}: got ${patch.length}`;
    return err({
      code: 413,
      reason: "RequestEntityTooLarge",
      message: `The allowed maximum operations in a JSON patch is ${OPERATIONS_MAX}, got ${patch.length}: ${seen}`,
    });
  }
  let current: JsonValue = document;
  for (const raw of patch) {
    const operation = parseOperation(raw);
    if (!operation.ok) return operation;
    const next = applyOperation(current, operation.value);
    if (!next.ok) return next;
    current = next.value;
  }
  return isObject(current) ? ok(current) : err(unprocessable());
}

function parseOperation(raw: JsonValue): Result<Operation, StatusError> {
  if (!isObject(raw)) {
    return err(badRequest("error decoding patch: every operation must be a JSON object"));
  }
  const op = raw["op"];
  const path = parsePointer(raw["path"]);
  if (typeof op !== "string" || path === undefined) return err(unprocessable());
  const from = parsePointer(raw["from"]);
  if (from === undefined && (op === "move" || op === "copy")) return err(unprocessable());
  return ok({ op, path, from: from ?? [], value: raw["value"] });
}

/** RFC 6901: "" is the whole document, else segments after "/" with ~1 and ~0 for "/" and "~". */
function parsePointer(text: JsonValue | undefined): readonly string[] | undefined {
  if (typeof text !== "string") return undefined;
  if (text === "") return [];
  if (!text.startsWith("/")) return undefined;
  return text
    .slice(1)
    .split("/")
    .map((segment) => segment.replaceAll("~1", "/").replaceAll("~0", "~"));
}

function applyOperation(document: JsonValue, { op, path, from, value }: Operation): Outcome {
  switch (op) {
    case "add":
      return value === undefined ? failed() : edit(document, path, addAt(value));
    case "remove":
      return edit(document, path, removeAt);
    case "replace":
      return value === undefined ? failed() : edit(document, path, replaceAt(value));
    case "test": {
      const seen = valueAt(document, path);
      // A missing member equals null, as in the library the real server uses.
      return jsonEquals(seen ?? null, value ?? null) ? ok(document) : failed();
    }
    case "copy": {
      const copied = valueAt(document, from);
      return copied === undefined ? failed() : edit(document, path, addAt(copied));
    }
    case "move":
      return move(document, from, path);
    default:
      return failed();
  }
}

function move(document: JsonValue, from: readonly string[], path: readonly string[]): Outcome {
  const moved = valueAt(document, from);
  if (moved === undefined) return failed();
  const without = edit(document, from, removeAt);
  return without.ok ? edit(without.value, path, addAt(moved)) : without;
}

function valueAt(document: JsonValue, path: readonly string[]): JsonValue | undefined {
  let current: JsonValue | undefined = document;
  for (const segment of path) {
    if (isObject(current)) current = Object.hasOwn(current, segment) ? current[segment] : undefined;
    else if (isList(current)) current = current[indexOf(segment, current.length) ?? current.length];
    else return undefined;
  }
  return current;
}

/** What happens to one member of its parent: a new parent, or failure. `undefined` parent: the whole document. */
type Edit = (parent: JsonValue | undefined, segment: string) => Outcome;

function edit(document: JsonValue, path: readonly string[], change: Edit): Outcome {
  const [segment, ...rest] = path;
  if (segment === undefined) return change(undefined, "");
  if (rest.length === 0) return change(document, segment);
  if (isObject(document)) {
    if (!Object.hasOwn(document, segment)) return failed();
    const child = edit(document[segment] ?? null, rest, change);
    return child.ok ? ok(withField(document, segment, child.value)) : child;
  }
  if (!isList(document)) return failed();
  const index = indexOf(segment, document.length);
  const item = index === undefined ? undefined : document[index];
  if (index === undefined || item === undefined) return failed();
  const child = edit(item, rest, change);
  return child.ok ? ok(document.with(index, child.value)) : child;
}

function addAt(value: JsonValue): Edit {
  return (parent, segment) => {
    if (parent === undefined) return ok(value);
    if (isObject(parent)) return ok(withField(parent, segment, value));
    if (!isList(parent)) return failed();
    const index = segment === "-" ? parent.length : indexOf(segment, parent.length);
    return index === undefined || index > parent.length
      ? failed()
      : ok(parent.toSpliced(index, 0, value));
  };
}

function replaceAt(value: JsonValue): Edit {
  return (parent, segment) => {
    if (parent === undefined) return ok(value);
    if (isObject(parent)) {
      return Object.hasOwn(parent, segment) ? ok(withField(parent, segment, value)) : failed();
    }
    const index = isList(parent) ? indexOf(segment, parent.length) : undefined;
    if (!isList(parent) || index === undefined || index >= parent.length) return failed();
    return ok(parent.with(index, value));
  };
}

const removeAt: Edit = (parent, segment) => {
  if (parent === undefined) return failed();
  if (isObject(parent)) {
    return Object.hasOwn(parent, segment) ? ok(withField(parent, segment, undefined)) : failed();
  }
  const index = isList(parent) ? indexOf(segment, parent.length) : undefined;
  if (!isList(parent) || index === undefined || index >= parent.length) return failed();
  return ok(parent.toSpliced(index, 1));
};

/** RFC 6901 array index: digits without a leading zero. Negative ones count from the end, as the real server allows. */
function indexOf(segment: string, length: number): number | undefined {
  if (!/^(0|-?[1-9][0-9]{0,8})$/.test(segment)) return undefined;
  const index = Number(segment);
  const counted = index < 0 ? length + index : index;
  return counted < 0 ? undefined : counted;
}

function failed(): Result<never, StatusError> {
  return err(unprocessable());
}
