import { err, ok, type Result } from "../../../api/result.ts";
import { authorize, impersonate } from "../auth/authorize.ts";
import type { ApiServerCore } from "../core/api-server-core.ts";
import { discoveryDocument } from "../discovery/discovery-document.ts";
import type { Kind, Verb } from "../kinds/kind.ts";
import type { StatusError } from "../object/status-error.ts";
import type { ApiRequest, ApiResponse } from "./api-request.ts";
import { methodNotAllowed } from "./method-not-allowed.ts";
import { errorResponse, textResponse } from "./represent.ts";
import { parseResourcePath, type ResourcePath } from "./resource-path.ts";
import { servePodSubresource } from "./serve-pod-subresource.ts";
import { serveResource } from "./serve-resource.ts";
import { type ReviewDeps, reviewVerb, serveReview } from "./serve-review.ts";
import { serveScale } from "./serve-scale.ts";

/** Answers one request; never throws for what a client can send. */
export function handleRequest(
  core: ApiServerCore,
  request: ApiRequest,
  deps: ReviewDeps,
): ApiResponse {
  const user = impersonate(request.user, {
    name: request.headers["impersonate-user"] ?? "",
    groups: listHeader(request.headers["impersonate-group"]),
  });
  if (!user.ok) return errorResponse(user.error);
  const asked = { ...request, user: user.value };
  const path = parseResourcePath(request.path);
  if (path === undefined) return servePath(core, asked);
  return serveApi(core, asked, path, deps);
}

function servePath(core: ApiServerCore, request: ApiRequest): ApiResponse {
  const path = request.path.length > 1 ? request.path.replace(/\/$/, "") : request.path;
  const verb = request.method === "GET" ? "get" : request.method.toLowerCase();
  const allowed = authorize(request.user, { kind: "path", verb, path });
  if (!allowed.ok) return errorResponse(allowed.error);
  return discoveryDocument(core, { ...request, path }) ?? notServed();
}

function serveApi(
  core: ApiServerCore,
  request: ApiRequest,
  path: ResourcePath,
  deps: ReviewDeps,
): ApiResponse {
  const review = reviewVerb(path);
  const verb = review === undefined ? verbOf(request, path) : ok(review);
  const allowed = authorize(request.user, {
    kind: "resource",
    verb: verb.ok ? verb.value : request.method.toLowerCase(),
    ...path,
  });
  if (!allowed.ok) return errorResponse(allowed.error);
  if (review !== undefined) return serveReview(core, { request, path }, deps);
  const served = core.state.kinds.find(path.group, path.version, path.resource);
  if (served === undefined) return notServed();
  const { subresource } = path;
  const ofPod = { ...served, namespace: path.namespace, name: path.name };
  const answered = servePodSubresource(core, request, ofPod, subresource);
  if (answered !== undefined) return answered;
  if (!hasSubresource(served.kind, subresource)) return notServed();
  if (path.namespace !== "" && !served.kind.namespaced) return notServed();
  if (path.namespace === "" && served.kind.namespaced && path.name !== "") return notServed();
  if (!verb.ok) return errorResponse(verb.error);
  if (!isServedVerb(verb.value, subresource, served.kind.verbs)) {
    return errorResponse(methodNotAllowed());
  }
  const target = { ...served, ...(path.namespace === "" ? {} : { namespace: path.namespace }) };
  if (subresource === "scale") return serveScale(core, request, { ...target, name: path.name });
  return serveResource(core, {
    request,
    verb: verb.value,
    target,
    name: path.name,
    subresource: subresource === "status" ? "status" : "",
  });
}

function hasSubresource({ subresources }: Kind, name: string): boolean {
  if (name === "") return true;
  return (name === "status" || name === "scale") && subresources[name] === true;
}

function isServedVerb(verb: Verb, subresource: string, verbs: readonly Verb[]): boolean {
  if (subresource !== "") return verb === "get" || verb === "update" || verb === "patch";
  return verbs.includes(verb);
}

function verbOf({ method, query }: ApiRequest, { name }: ResourcePath): Result<Verb, StatusError> {
  const watching = /^(1|t|true)$/i.test(query.get("watch") ?? "");
  const isCollection = name === "";
  switch (method) {
    case "GET":
    case "HEAD":
      if (watching) return ok("watch");
      return ok(isCollection ? "list" : "get");
    case "POST":
      return isCollection ? ok("create") : err(methodNotAllowed());
    case "PUT":
      return isCollection ? err(methodNotAllowed()) : ok("update");
    case "PATCH":
      return isCollection ? err(methodNotAllowed()) : ok("patch");
    case "DELETE":
      return ok(isCollection ? "deletecollection" : "delete");
    default:
      return err(methodNotAllowed());
  }
}

function notServed(): ApiResponse {
  return textResponse(404, "404 page not found\n");
}

function listHeader(value: string | undefined): readonly string[] {
  return (value ?? "")
    .split(",")
    .map((item) => item.trim())
    .filter((item) => item !== "");
}
