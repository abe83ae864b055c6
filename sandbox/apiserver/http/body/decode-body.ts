import { parseDocument } from "yaml";
import { err, ok, type Result } from "../../../../api/result.ts";
import type { JsonValue } from "../../object/json.ts";
import { badRequest, type StatusError, unsupportedMediaType } from "../../object/status-error.ts";
import { decodeProtobuf, isUnknownKind } from "./protobuf/decode-protobuf.ts";

const PROTOBUF = "application/vnd.kubernetes.protobuf";
const BODY_TYPES = ["application/json", "application/yaml", PROTOBUF];

/** Reads a JSON, YAML or protobuf body. `kind` is what the resource expects, for error texts. */
export function decodeBody(
  body: Uint8Array,
  contentType: string | undefined,
  kind: string,
): Result<JsonValue, StatusError> {
  const type = mediaType(contentType);
  const text = Buffer.from(body).toString("utf8");
  switch (type) {
    case "":
    case "application/json":
      return parseJson(text, kind);
    case "application/yaml":
      return parseYaml(text, kind);
    case PROTOBUF:
      return parseProtobuf(body);
    default:
      return err(unsupportedMediaType(BODY_TYPES));
  }
}

/** The body of a patch: JSON for all types but apply, which is YAML (of which JSON is a part). */
export function decodePatch(body: Uint8Array, isYaml: boolean): Result<JsonValue, StatusError> {
  const text = Buffer.from(body).toString("utf8");
  if (isYaml) {
    const parsed = yamlValue(text);
    return parsed.ok ? parsed : err(badRequest(`error decoding YAML: ${parsed.error}`));
  }
  const parsed = jsonValue(text);
  return parsed.ok ? parsed : err(badRequest(`error decoding patch: ${parsed.error}`));
}

/** A Content-Type without its parameters. */
export function mediaType(contentType: string | undefined): string {
  return (contentType ?? "").split(";", 1)[0]?.trim().toLowerCase() ?? "";
}

function parseJson(text: string, kind: string): Result<JsonValue, StatusError> {
  const parsed = jsonValue(text);
  return parsed.ok ? parsed : err(unrecognized(kind, `json parse error: ${parsed.error}`, text));
}

function parseYaml(text: string, kind: string): Result<JsonValue, StatusError> {
  const parsed = yamlValue(text);
  return parsed.ok ? parsed : err(unrecognized(kind, `yaml parse error: ${parsed.error}`, text));
}

/** Kinds of which the field numbers are not known here are refused like a media type that is not. */
function parseProtobuf(body: Uint8Array): Result<JsonValue, StatusError> {
  if (body.length === 0) return ok({});
  const decoded = decodeProtobuf(body);
  if (decoded.ok) return decoded;
  if (isUnknownKind(decoded.error)) {
    return err(unsupportedMediaType(BODY_TYPES.filter((type) => type !== PROTOBUF)));
  }
  return err(badRequest(`cannot decode protobuf body: ${decoded.error}`));
}

function unrecognized(kind: string, why: string, text: string): StatusError {
  const message = `the object provided is unrecognized (must be of type ${kind}): couldn't get version/kind; ${why} (${summary(text)})`;
  return badRequest(message);
}

/** The first of the body, as text when it looks like JSON and in hexadecimal when not. */
function summary(text: string): string {
  const bytes = Buffer.from(text, "utf8");
  const shown = text.startsWith("{")
    ? bytes.subarray(0, SHOWN_BYTES).toString("utf8")
    : bytes.subarray(0, SHOWN_BYTES).toString("hex");
  return bytes.length > SHOWN_BYTES ? `${shown} ...` : shown;
}

const SHOWN_BYTES = 30;

function jsonValue(text: string): Result<JsonValue, string> {
  try {
    return ok(JSON.parse(text) as JsonValue);
  } catch (failure) {
    return err(goWording(failure, text));
  }
}

function yamlValue(text: string): Result<JsonValue, string> {
  const document = parseDocument(text, { version: "1.1", uniqueKeys: true, prettyErrors: false });
  const [problem] = document.errors;
  if (problem !== undefined) return err(problem.message);
  try {
    // Through JSON, so that dates and the like become what they are on the wire.
    return ok(
      JSON.parse(JSON.stringify(document.toJS({ maxAliasCount: 100 }) ?? null)) as JsonValue,
    );
  } catch (failure) {
    return err(failure instanceof Error ? failure.message : String(failure));
  }
}

function goWording(failure: unknown, text: string): string {
  const message = failure instanceof Error ? failure.message : String(failure);
  if (message.includes("Unexpected end") || text.trim() === "")
    return "unexpected end of JSON input";
  const position = /position (?<at>\d+)/.exec(message)?.groups?.["at"];
  if (Number(position) >= text.length) return "unexpected end of JSON input";
  const seen = position === undefined ? text.trimStart().charAt(0) : text.charAt(Number(position));
  return `invalid character '${seen}' looking for beginning of value`;
}
