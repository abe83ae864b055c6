import { err, ok, type Result } from "../../../api/result.ts";
import type { ApiServerCore } from "../core/api-server-core.ts";
import { scaleOf, withScale } from "../kinds/workload/scale.ts";
import { invalidValue } from "../object/field-error.ts";
import { fieldAt, isObject, type JsonObject } from "../object/json.ts";
import { badRequest, invalid, type StatusError } from "../object/status-error.ts";
import { jsonPatch } from "../patch/json-patch.ts";
import { mergePatch } from "../patch/merge-patch.ts";
import { PATCH_TYPES } from "../registry/patch-object.ts";
import { readObject } from "../registry/read-object.ts";
import type { NamedTarget } from "../registry/registry-state.ts";
import { updateObject } from "../registry/update-object.ts";
import { resourceVersionOf, withResourceVersionText } from "../store/resource-version.ts";
import type { ApiRequest, ApiResponse } from "./api-request.ts";
import { decodeBody, decodePatch, mediaType } from "./body/decode-body.ts";
import { writeCall } from "./query-options.ts";
import { bodyResponse, errorResponse } from "./represent.ts";

/** The scale subresource: the replicas of a workload as an object of their own (`kubectl scale`). */
export function serveScale(
  core: ApiServerCore,
  request: ApiRequest,
  target: NamedTarget,
): ApiResponse {
  const live = readObject(core.state, target);
  if (!live.ok) return errorResponse(live.error);
  if (request.method === "GET") return bodyResponse(200, scaleOf(live.value));
  const scale = wantedScale(request, live.value);
  if (!scale.ok) return errorResponse(scale.error);
  const wrong = checkScale(request, target.name, scale.value);
  if (wrong !== undefined) return errorResponse(wrong);
  const call = writeCall(request, "", "UpdateOptions", () => undefined);
  if (!call.ok) return errorResponse(call.error);
  const version = resourceVersionOf(scale.value);
  const next = withResourceVersionText(withScale(live.value, scale.value), version);
  const written = updateObject(core.state, target, next, call.value);
  if (!written.ok) return errorResponse(written.error);
  return bodyResponse(200, scaleOf(written.value.object));
}

function checkScale(request: ApiRequest, name: string, scale: JsonObject): StatusError | undefined {
  const replicas = fieldAt(scale, ["spec", "replicas"]) ?? 0;
  if (typeof replicas === "number" && Number.isInteger(replicas)) {
    if (replicas >= 0) return undefined;
    const negative = "must be greater than or equal to 0";
    const error = invalidValue("spec.replicas", replicas, negative);
    return invalid({ group: "autoscaling", kind: "Scale" }, name, [error]);
  }
  const problem = `json: cannot unmarshal ${JSON.stringify(replicas)} into Go struct field ScaleSpec.spec.replicas of type int32`;
  if (request.method === "PUT") {
    return badRequest(`Scale in version "v1" cannot be handled as a Scale: ${problem}`);
  }
  const patch = Buffer.from(request.body).toString("utf8");
  return invalid({ group: "", kind: "" }, "", [invalidValue("patch", patch, problem)]);
}

/** The Scale that a PUT brings, or that a patch makes of the present one. */
function wantedScale(request: ApiRequest, live: JsonObject): Result<JsonObject, StatusError> {
  const type = mediaType(request.headers["content-type"]);
  if (request.method === "PUT") {
    const body = decodeBody(request.body, type, "Scale");
    if (!body.ok) return body;
    return isObject(body.value)
      ? ok(body.value)
      : err(badRequest("cannot decode Scale: must be an object"));
  }
  const patch = decodePatch(request.body, false);
  if (!patch.ok) return patch;
  if (type === PATCH_TYPES.json) return jsonPatch(scaleOf(live), patch.value);
  // A Scale has no lists: a strategic patch does what a merge patch does.
  if (type === PATCH_TYPES.merge || type === PATCH_TYPES.strategic) {
    return mergePatch(scaleOf(live), patch.value);
  }
  const message = "415: Unsupported Media Type";
  return err({ code: 415, reason: "UnsupportedMediaType", message, details: {} });
}
