import { err, ok, type Result } from "../../../api/result.ts";
import type { ApiServerCore } from "../core/api-server-core.ts";
import { deleteObject } from "../deletion/delete-object.ts";
import { parseDeleteOptions } from "../deletion/delete-options.ts";
import { isObject, type JsonObject, type JsonValue, objectAt, stringAt } from "../object/json.ts";
import { badRequest, type StatusError } from "../object/status-error.ts";
import { readObject } from "../registry/read-object.ts";
import type { NamedTarget } from "../registry/registry-state.ts";
import type { ApiRequest, ApiResponse } from "./api-request.ts";
import { decodeBody } from "./body/decode-body.ts";
import { methodNotAllowed } from "./method-not-allowed.ts";
import { bodyResponse, errorResponse } from "./represent.ts";

const NO_CONTAINERS = "pods of the sandbox are servers in its own process and have no containers";

/** What real pods offer and these do not, with the reason. */
const UNSERVED: ReadonlyMap<string, string> = new Map([
  ["attach", NO_CONTAINERS],
  ["binding", "pods are bound by the sandbox's node itself"],
  ["ephemeralcontainers", NO_CONTAINERS],
  ["exec", NO_CONTAINERS],
  ["log", NO_CONTAINERS],
  ["portforward", "connect through the member's SOCKS5 entry instead"],
  ["proxy", "connect through the member's SOCKS5 entry instead"],
  ["resize", NO_CONTAINERS],
]);

/** Answers for the subresources of pods that are no views of the stored object; `undefined` for all others. */
export function servePodSubresource(
  core: ApiServerCore,
  request: ApiRequest,
  target: NamedTarget,
  subresource: string,
): ApiResponse | undefined {
  if (target.kind.group !== "" || target.kind.plural !== "pods") return undefined;
  if (subresource === "eviction") return serveEviction(core, request, target);
  const why = UNSERVED.get(subresource);
  if (why === undefined) return undefined;
  const pod = readObject(core.state, target);
  return errorResponse(pod.ok ? notImplemented(target.name, subresource, why) : pod.error);
}

/** Evicting is deleting (`kubectl drain`): disruption budgets are stored, and nobody here counts what they allow. */
function serveEviction(core: ApiServerCore, request: ApiRequest, target: NamedTarget): ApiResponse {
  if (request.method !== "POST") return errorResponse(methodNotAllowed());
  const body = decodeBody(request.body, request.headers["content-type"], "Eviction");
  if (!body.ok) return errorResponse(body.error);
  const eviction = evictionOf(body.value, target.name);
  if (!eviction.ok) return errorResponse(eviction.error);
  const options = parseDeleteOptions(objectAt(eviction.value, ["deleteOptions"]), request.query);
  if (!options.ok) return errorResponse(options.error);
  const deleted = deleteObject(core.state, target, options.value, request.nowMs);
  if (!deleted.ok) return errorResponse(deleted.error);
  const status = { kind: "Status", apiVersion: "v1", metadata: {}, status: "Success", code: 201 };
  return bodyResponse(201, status);
}

function evictionOf(body: JsonValue, podName: string): Result<JsonObject, StatusError> {
  if (!isObject(body)) return err(badRequest("cannot decode Eviction: must be an object"));
  if (stringAt(body, ["metadata", "name"]) === podName) return ok(body);
  return err(badRequest("name in URL does not match name in Eviction object"));
}

function notImplemented(name: string, subresource: string, why: string): StatusError {
  return {
    code: 501,
    reason: "NotImplemented",
    message: `pods ${JSON.stringify(name)}: ${subresource} is not served: ${why}`,
  };
}
