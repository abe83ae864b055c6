import { err, ok, type Result } from "../../../../../api/result.ts";
import {
  isList,
  isObject,
  type JsonObject,
  type JsonValue,
  ownFields,
} from "../../../object/json.ts";
import type { FieldType } from "./protobuf-field.ts";
import { MESSAGES } from "./protobuf-messages.ts";
import { readFields, type WireField } from "./protobuf-reader.ts";

/** What Kubernetes puts before a protobuf body (runtime.Unknown follows). */
const MAGIC = [0x6b, 0x38, 0x73, 0x00];
const DEPTH_MAX = 32;
const MESSAGE_NOT_KNOWN = "unknown kind";

/** True when the kind of a protobuf body is one that `decodeProtobuf` reads; other kinds are 415. */
export function isUnknownKind(error: string): boolean {
  return error.startsWith(MESSAGE_NOT_KNOWN);
}

/** Reads the body of a request in application/vnd.kubernetes.protobuf as the JSON it stands for. */
export function decodeProtobuf(body: Uint8Array): Result<JsonObject, string> {
  if (MAGIC.some((byte, at) => body[at] !== byte)) return err("must start with the bytes 6b387300");
  const envelope = readFields(body.subarray(MAGIC.length));
  if (!envelope.ok) return envelope;
  const type = textFields(bytesOf(envelope.value, 1));
  if (!type.ok) return type;
  const [apiVersion = "", kind = ""] = [type.value.get(1), type.value.get(2)];
  if (!Object.hasOwn(MESSAGES, kind))
    return err(`${MESSAGE_NOT_KNOWN}: got ${JSON.stringify(kind)}`);
  const message = decodeMessage(bytesOf(envelope.value, 2), kind, 0);
  return message.ok ? ok({ apiVersion, kind, ...message.value }) : message;
}

function decodeMessage(bytes: Uint8Array, name: string, depth: number): Result<JsonObject, string> {
  if (depth > DEPTH_MAX) return err(`messages must nest at most ${DEPTH_MAX} deep`);
  const fields = readFields(bytes);
  if (!fields.ok) return fields;
  const known = MESSAGES[name] ?? {};
  const object = new Map<string, JsonValue>();
  for (const { number, value } of fields.value) {
    const [key, type] = known[number] ?? [];
    if (key === undefined || type === undefined) continue;
    const decoded = decodeValue(value, { type, depth, before: object.get(key) });
    if (!decoded.ok) return err(`${name}.${key}: ${decoded.error}`);
    if (decoded.value === undefined) continue;
    if (isInline(type) && isObject(decoded.value)) {
      for (const [name, inner] of Object.entries(decoded.value)) object.set(name, inner);
    } else object.set(key, decoded.value);
  }
  return ok(ownFields(object));
}

interface Place {
  readonly type: FieldType;
  readonly depth: number;
  /** What earlier occurrences of the field gave. */
  readonly before: JsonValue | undefined;
}

function decodeValue(
  value: WireField["value"],
  { type, depth, before }: Place,
): Result<JsonValue | undefined, string> {
  if (typeof type === "string") return decodeScalar(value, type);
  if (!(value instanceof Uint8Array)) return err("must be a message");
  if ("inline" in type) return decodeMessage(value, type.inline, depth + 1);
  if ("message" in type) return decodeMessage(value, type.message, depth + 1);
  if ("list" in type) {
    const item = decodeValue(value, { type: type.list, depth, before: undefined });
    if (!item.ok || item.value === undefined) return item;
    return ok([...(isList(before) ? before : []), item.value]);
  }
  return decodeMapEntry(value, { type: type.map, depth, before });
}

/** A map is a list of messages with key 1 and value 2. */
function decodeMapEntry(
  bytes: Uint8Array,
  { type, depth, before }: Place,
): Result<JsonValue | undefined, string> {
  const entry = readFields(bytes);
  if (!entry.ok) return entry;
  const key = Buffer.from(bytesOf(entry.value, 1)).toString("utf8");
  const value = decodeValue(bytesOf(entry.value, 2), { type, depth, before: undefined });
  if (!value.ok) return value;
  const known = isObject(before) ? Object.entries(before) : [];
  return ok(ownFields([...known, [key, value.value ?? ""]]));
}

function decodeScalar(
  value: WireField["value"],
  type: Extract<FieldType, string>,
): Result<JsonValue | undefined, string> {
  if (type === "integer" || type === "boolean") {
    if (typeof value !== "bigint") return err("must be a number");
    return ok(type === "boolean" ? value !== 0n : Number(value));
  }
  if (typeof value === "bigint") return err("must be bytes");
  switch (type) {
    case "string": {
      // Go writes empty strings, JSON leaves them out.
      const text = Buffer.from(value).toString("utf8");
      return ok(text === "" ? undefined : text);
    }
    case "bytes":
      return ok(Buffer.from(value).toString("base64"));
    case "time":
    case "microtime":
      return decodeTime(value, type);
    case "quantity":
      return decodeQuantity(value);
    case "int-or-string":
      return decodeIntOrString(value);
  }
}

function decodeTime(
  bytes: Uint8Array,
  type: "time" | "microtime",
): Result<JsonValue | undefined, string> {
  const fields = readFields(bytes);
  if (!fields.ok) return fields;
  if (fields.value.length === 0) return ok(undefined);
  const seconds = Number(numberOf(fields.value, 1));
  const nanoseconds = Number(numberOf(fields.value, 2));
  const at = new Date(seconds * 1000);
  if (Number.isNaN(at.getTime())) return err(`time is out of range: got ${seconds} s`);
  const whole = at.toISOString().slice(0, 19);
  if (type === "time") return ok(`${whole}Z`);
  const micros = String(Math.floor(nanoseconds / 1000)).padStart(6, "0");
  return ok(`${whole}.${micros}Z`);
}

function decodeQuantity(bytes: Uint8Array): Result<JsonValue | undefined, string> {
  const texts = textFields(bytes);
  return texts.ok ? ok(texts.value.get(1) ?? "0") : texts;
}

function isInline(type: FieldType): boolean {
  return typeof type === "object" && "inline" in type;
}

function decodeIntOrString(bytes: Uint8Array): Result<JsonValue | undefined, string> {
  const fields = readFields(bytes);
  if (!fields.ok) return fields;
  const isText = numberOf(fields.value, 1) === 1n;
  if (isText) return ok(Buffer.from(bytesOf(fields.value, 3)).toString("utf8"));
  return ok(Number(numberOf(fields.value, 2)));
}

function textFields(bytes: Uint8Array): Result<ReadonlyMap<number, string>, string> {
  const fields = readFields(bytes);
  if (!fields.ok) return fields;
  const texts = new Map<number, string>();
  for (const { number, value } of fields.value) {
    if (value instanceof Uint8Array) texts.set(number, Buffer.from(value).toString("utf8"));
  }
  return ok(texts);
}

function bytesOf(fields: readonly WireField[], number: number): Uint8Array {
  const value = fields.findLast((one) => one.number === number)?.value;
  return value instanceof Uint8Array ? value : new Uint8Array();
}

function numberOf(fields: readonly WireField[], number: number): bigint {
  const value = fields.findLast((one) => one.number === number)?.value;
  return typeof value === "bigint" ? value : 0n;
}
