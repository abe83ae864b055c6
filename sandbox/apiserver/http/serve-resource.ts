import { err, ok, type Result } from "../../../api/result.ts";
import type { ApiServerCore } from "../core/api-server-core.ts";
import { deleteCollection } from "../deletion/delete-collection.ts";
import { deleteObject } from "../deletion/delete-object.ts";
import { parseDeleteOptions } from "../deletion/delete-options.ts";
import type { Verb } from "../kinds/kind.ts";
import { required } from "../object/field-error.ts";
import { isObject, type JsonObject } from "../object/json.ts";
import { badRequest, invalid, type StatusError } from "../object/status-error.ts";
import { createObject, type Written } from "../registry/create-object.ts";
import { listObjects } from "../registry/list-objects.ts";
import { applyObject, PATCH_TYPES, patchObject } from "../registry/patch-object.ts";
import { readObject } from "../registry/read-object.ts";
import type { NamedTarget, Target } from "../registry/registry-state.ts";
import { updateObject } from "../registry/update-object.ts";
import type { IncludeObject } from "../table/table.ts";
import type { ApiRequest, ApiResponse } from "./api-request.ts";
import { decodeBody, decodePatch, mediaType } from "./body/decode-body.ts";
import { negotiate } from "./negotiate.ts";
import { flag, listOptions, watchOptions, writeCall } from "./query-options.ts";
import {
  bodyResponse,
  deletedStatus,
  errorResponse,
  listBody,
  objectBody,
  type View,
  watchEncoder,
} from "./represent.ts";

/** A request whose resource is known and that its user may make. */
export interface ResourceCall {
  readonly request: ApiRequest;
  readonly verb: Verb;
  readonly target: Target;
  /** "" for a collection. */
  readonly name: string;
  readonly subresource: "" | "status";
}

/** Kinds whose deletion answers with the object instead of a Status. */
const RETURNED_WHEN_DELETED: ReadonlySet<string> = new Set([
  "/pods",
  "/services",
  "/serviceaccounts",
]);

/** Carries out a request on stored objects. */
export function serveResource(core: ApiServerCore, call: ResourceCall): ApiResponse {
  const view = viewOf(call);
  if (!view.ok) return errorResponse(view.error);
  const warnings: string[] = [];
  const deprecation = call.target.version.deprecationWarning;
  if (deprecation !== undefined) warnings.push(deprecation);
  const response = perform(core, call, view.value, (message) => warnings.push(message));
  if (!response.ok) return withWarnings(errorResponse(response.error), warnings);
  return withWarnings(response.value, warnings);
}

type Answer = Result<ApiResponse, StatusError>;
type Warn = (message: string) => void;

function perform(core: ApiServerCore, call: ResourceCall, view: View, warn: Warn): Answer {
  switch (call.verb) {
    case "get":
      return answer(readObject(core.state, named(call)), 200, view);
    case "list":
      return list(core, call, view);
    case "watch":
      return watch(core, call, view);
    case "create":
      return create(core, call, view, warn);
    case "update":
      return update(core, call, view, warn);
    case "patch":
      return patch(core, call, view, warn);
    case "delete":
      return remove(core, call, view);
    case "deletecollection":
      return removeAll(core, call, view);
  }
}

function list(core: ApiServerCore, { request, target }: ResourceCall, view: View): Answer {
  const options = listOptions(request.query);
  if (!options.ok) return options;
  const listed = listObjects(core.state, target, options.value);
  if (!listed.ok) return listed;
  return ok(bodyResponse(200, listBody(listed.value, view), view.representation));
}

function watch(core: ApiServerCore, { request, target, name }: ResourceCall, view: View): Answer {
  const options = watchOptions(request.query);
  if (!options.ok) return options;
  const oneName = name === "" ? {} : { fieldSelector: `metadata.name=${name}` };
  const start = core.watches.prepare(target, { ...options.value, ...oneName });
  if (!start.ok) return start;
  return ok({
    kind: "watch",
    headers: { "content-type": "application/json" },
    start: start.value,
    encode: watchEncoder(view),
  });
}

function create(core: ApiServerCore, call: ResourceCall, view: View, warn: Warn): Answer {
  const body = objectOf(call);
  if (!body.ok) return body;
  const options = writeCall(call.request, "", "CreateOptions", warn);
  if (!options.ok) return options;
  return written(createObject(core.state, call.target, body.value, options.value), view);
}

function update(core: ApiServerCore, call: ResourceCall, view: View, warn: Warn): Answer {
  const body = objectOf(call);
  if (!body.ok) return body;
  const options = writeCall(call.request, call.subresource, "UpdateOptions", warn);
  if (!options.ok) return options;
  return written(updateObject(core.state, named(call), body.value, options.value), view);
}

function patch(core: ApiServerCore, call: ResourceCall, view: View, warn: Warn): Answer {
  const { request } = call;
  const options = writeCall(request, call.subresource, "PatchOptions", warn);
  if (!options.ok) return options;
  const type = mediaType(request.headers["content-type"]);
  const isApply = type === PATCH_TYPES.apply;
  const kinds = ["json", "merge", "strategic"] as const;
  const patchType = kinds.find((one) => PATCH_TYPES[one] === type);
  if (patchType === undefined && !isApply) return err(unsupportedPatch());
  if (isApply && (request.query.get("fieldManager") ?? "") === "") {
    const error = required("fieldManager", "is required for apply patch");
    return err(invalid({ group: "meta.k8s.io", kind: "PatchOptions" }, "", [error]));
  }
  const body = decodePatch(request.body, isApply);
  if (!body.ok) return body;
  const target = named(call);
  if (patchType === undefined) {
    const force = flag(request.query.get("force")) ?? false;
    const applied = applyObject(core.state, target, { applied: body.value, force }, options.value);
    return written(applied, view);
  }
  const change = { type: patchType, patch: body.value };
  return written(patchObject(core.state, target, change, options.value), view);
}

function remove(core: ApiServerCore, call: ResourceCall, view: View): Answer {
  const { request, target } = call;
  const body = deleteBody(request);
  if (!body.ok) return body;
  const options = parseDeleteOptions(body.value, request.query);
  if (!options.ok) return options;
  const deleted = deleteObject(core.state, named(call), options.value, request.nowMs);
  if (!deleted.ok) return deleted;
  const { object, gone } = deleted.value;
  const returned = !gone || RETURNED_WHEN_DELETED.has(`${target.kind.group}/${target.kind.plural}`);
  const result = returned ? objectBody(object, view) : deletedStatus(target, object);
  return ok(bodyResponse(200, result, view.representation));
}

function removeAll(core: ApiServerCore, call: ResourceCall, view: View): Answer {
  const { request, target } = call;
  const body = deleteBody(request);
  if (!body.ok) return body;
  const options = parseDeleteOptions(body.value, request.query);
  if (!options.ok) return options;
  const selected = listOptions(request.query);
  if (!selected.ok) return selected;
  const how = { list: selected.value, options: options.value };
  const deleted = deleteCollection(core.state, target, how, request.nowMs);
  if (!deleted.ok) return deleted;
  return ok(bodyResponse(200, listBody(deleted.value, view), view.representation));
}

function written(result: Result<Written, StatusError>, view: View): Answer {
  if (!result.ok) return result;
  return answer(ok(result.value.object), result.value.created ? 201 : 200, view);
}

function answer(result: Result<JsonObject, StatusError>, status: number, view: View): Answer {
  if (!result.ok) return result;
  return ok(bodyResponse(status, objectBody(result.value, view), view.representation));
}

function viewOf({ request, target }: ResourceCall): Result<View, StatusError> {
  const representation = negotiate(request.headers["accept"]);
  if (!representation.ok) return representation;
  const includeObject = request.query.get("includeObject") ?? "Metadata";
  if (!isIncludeObject(includeObject)) {
    return err(badRequest(`unrecognized includeObject value: ${JSON.stringify(includeObject)}`));
  }
  return ok({ target, representation: representation.value, includeObject, nowMs: request.nowMs });
}

function isIncludeObject(text: string): text is IncludeObject {
  return text === "None" || text === "Metadata" || text === "Object";
}

function objectOf({ request, target }: ResourceCall): Result<JsonObject, StatusError> {
  const body = decodeBody(request.body, request.headers["content-type"], target.kind.kind);
  if (!body.ok) return body;
  return isObject(body.value)
    ? ok(body.value)
    : err(
        badRequest(
          `cannot decode ${target.kind.kind}: must be an object: got ${JSON.stringify(body.value)}`,
        ),
      );
}

function deleteBody(request: ApiRequest): Result<JsonObject | undefined, StatusError> {
  if (request.body.length === 0) return ok(undefined);
  const body = decodeBody(request.body, request.headers["content-type"], "DeleteOptions");
  if (!body.ok) return body;
  return isObject(body.value) ? ok(body.value) : ok(undefined);
}

function named({ target, name }: ResourceCall): NamedTarget {
  return { ...target, name };
}

function unsupportedPatch(): StatusError {
  const message = "415: Unsupported Media Type";
  return { code: 415, reason: "UnsupportedMediaType", message, details: {} };
}

/** RFC 7234 section 5.5, code 299 as Kubernetes uses it. */
function withWarnings(response: ApiResponse, warnings: readonly string[]): ApiResponse {
  if (warnings.length === 0) return response;
  const warning = [...new Set(warnings)].map((text) => `299 - ${JSON.stringify(text)}`);
  return { ...response, headers: { ...response.headers, warning } };
}
