import { err, ok, type Result } from "../../../api/result.ts";
import type { Kind, KindVersion } from "../kinds/kind.ts";
import { applyDefaults } from "../schema/apply-defaults.ts";
import { OBJECT_META } from "../schema/object-schema.ts";
import { pruneUnknown } from "../schema/prune-unknown.ts";
import { checkGoTypes } from "./check-go-types.ts";
import { dropZeros } from "./drop-zeros.ts";
import { invalidValue } from "./field-error.ts";
import { field, type JsonObject, objectAt, stringAt, withField } from "./json.ts";
import { badRequest, invalid, type StatusError } from "./status-error.ts";

/** What to do with fields a schema does not know: the `fieldValidation` query parameter. */
export type FieldValidation = "Ignore" | "Warn" | "Strict";

export interface DecodeRequest {
  readonly kind: Kind;
  readonly version: KindVersion;
  readonly body: JsonObject;
  readonly fieldValidation: FieldValidation;
  /** The patch that made the body, as errors show it: then wrong types are the patch's fault (422). */
  readonly patch?: string;
  warn(message: string): void;
}

/** Problems named in one error; a body may hold any number. BOUNDED: by this number. */
const PROBLEMS_MAX = 64;

/**
 * Turns a request body (or a patched object) in `version` into an object in that same version: apiVersion and kind checked, unknown fields
 * dropped, types checked (built-ins: 400 as Go's decoder says; custom resources: left to validation), defaults added.
 */
export function decodeObject(request: DecodeRequest): Result<JsonObject, StatusError> {
  const { kind, version, body } = request;
  const identity = checkIdentity(request);
  if (identity !== undefined) return err(identity);
  const { object, unknownPaths } = pruneUnknown(version.schema, body);
  const unknown = reportUnknown(request, unknownPaths);
  if (unknown !== undefined) return err(unknown);
  const named = { ...object, kind: kind.kind, apiVersion: apiVersionOf(kind, version) };
  if (kind.custom) return decodeCustom(request, named);
  const wrongType = checkGoTypes(version.schema, named);
  if (wrongType !== undefined) return err(undecodable(request, wrongType));
  const defaulted = applyDefaults(version.schema, dropZeros(version.schema, named));
  const stored = kind.strategy.applyDefaults(version.toStorage(defaulted));
  return ok(version.fromStorage(stored));
}

/** Of a custom resource only the metadata is decoded into structs. */
function decodeCustom(request: DecodeRequest, named: JsonObject): Result<JsonObject, StatusError> {
  const metadata = objectAt(named, ["metadata"]);
  const wrongType = checkGoTypes(OBJECT_META, field(named, "metadata") ?? null);
  if (wrongType !== undefined) return err(undecodable(request, wrongType));
  const trimmed = withField(named, "metadata", dropZeros(OBJECT_META, metadata));
  return ok(applyDefaults(request.version.schema, trimmed));
}

function undecodable(request: DecodeRequest, wrongType: string): StatusError {
  const { patch } = request;
  if (patch === undefined) return badRequest(`${cannotHandle(request)}: ${wrongType}`);
  return invalid({ group: "", kind: "" }, "", [invalidValue("patch", patch, wrongType)]);
}

/** As objects say it: `v1`, `apps/v1`. */
export function apiVersionOf(
  kind: Pick<Kind, "group">,
  version: Pick<KindVersion, "name">,
): string {
  return kind.group === "" ? version.name : `${kind.group}/${version.name}`;
}

function checkIdentity({ kind, version, body }: DecodeRequest): StatusError | undefined {
  const expected = apiVersionOf(kind, version);
  const apiVersion = stringAt(body, ["apiVersion"]);
  if (apiVersion !== "" && apiVersion !== expected) {
    return badRequest(
      `the API version in the data (${apiVersion}) does not match the expected API version (${expected})`,
    );
  }
  const name = stringAt(body, ["kind"]);
  if (name === "" && kind.custom) {
    return badRequest(`Object 'Kind' is missing in '${JSON.stringify(body)}'`);
  }
  if (name === "" || name === kind.kind) return undefined;
  const from = `${version.name}.${name}`;
  const to = `${packageOf(kind.group)}.${kind.kind}`;
  return badRequest(
    `${name} in version "${version.name}" cannot be handled as a ${kind.kind}: converting (${from}) to (${to}): unknown conversion`,
  );
}

/** Go's name of a group's types: `core`, `discovery`, `apps`. */
function packageOf(group: string): string {
  return group === "" ? "core" : (group.split(".")[0] ?? group);
}

function reportUnknown(request: DecodeRequest, paths: readonly string[]): StatusError | undefined {
  if (paths.length === 0 || request.fieldValidation === "Ignore") return undefined;
  const problems = paths
    .slice(0, PROBLEMS_MAX)
    .map((path) => `unknown field ${JSON.stringify(path)}`);
  if (request.fieldValidation === "Strict") {
    return badRequest(`${cannotHandle(request)}: strict decoding error: ${problems.join(", ")}`);
  }
  for (const problem of problems) request.warn(problem);
  return undefined;
}

function cannotHandle({ kind, version }: DecodeRequest): string {
  return `${kind.kind} in version "${version.name}" cannot be handled as a ${kind.kind}`;
}
