import { type Attributes, isAllowed } from "../auth/authorize.ts";
import { issueToken } from "../auth/service-account-token.ts";
import type { User } from "../auth/user.ts";
import type { ApiServerCore } from "../core/api-server-core.ts";
import {
  isObject,
  type JsonObject,
  listAt,
  numberAt,
  objectAt,
  stringAt,
  withField,
} from "../object/json.ts";
import { badRequest, notFound } from "../object/status-error.ts";
import { rfc3339 } from "../object/timestamp.ts";
import type { ApiRequest, ApiResponse } from "./api-request.ts";
import { decodeBody } from "./body/decode-body.ts";
import { methodNotAllowed } from "./method-not-allowed.ts";
import { bodyResponse, errorResponse } from "./represent.ts";
import type { ResourcePath } from "./resource-path.ts";

export interface ReviewDeps {
  /** Signs service account tokens. */
  readonly tokenKey: Uint8Array;
}

interface Review {
  readonly request: ApiRequest;
  readonly path: ResourcePath;
}

const DEFAULT_AUDIENCE = "https://kubernetes.default.svc";
const DEFAULT_TOKEN_SECONDS = 3600;

/** Questions that are posted like objects and answered, not stored: by group and resource. */
const REVIEWS: Readonly<Record<string, string>> = {
  "authorization.k8s.io/selfsubjectaccessreviews": "SelfSubjectAccessReview",
  "authorization.k8s.io/subjectaccessreviews": "SubjectAccessReview",
  "authorization.k8s.io/selfsubjectrulesreviews": "SelfSubjectRulesReview",
  "authentication.k8s.io/selfsubjectreviews": "SelfSubjectReview",
  "/serviceaccounts/token": "TokenRequest",
};

/** "create" when the path is a question of this kind. */
export function reviewVerb(path: ResourcePath): "create" | undefined {
  return reviewKind(path) === undefined ? undefined : "create";
}

function reviewKind({ group, resource, subresource, version }: ResourcePath): string | undefined {
  if (version !== "v1") return undefined;
  return REVIEWS[`${group}/${resource}${subresource === "" ? "" : `/${subresource}`}`];
}

export function serveReview(
  core: ApiServerCore,
  { request, path }: Review,
  deps: ReviewDeps,
): ApiResponse {
  const kind = reviewKind(path) ?? "";
  if (request.method !== "POST") return errorResponse(methodNotAllowed());
  const body = decodeBody(request.body, request.headers["content-type"], kind);
  if (!body.ok) return errorResponse(body.error);
  if (!isObject(body.value)) {
    return errorResponse(badRequest(`cannot decode ${kind}: must be an object`));
  }
  const asked = { apiVersion: `${path.group}/${path.version}`, kind, ...body.value };
  switch (kind) {
    case "TokenRequest":
      return serveTokenRequest(core, { request, path }, asked, deps);
    case "SelfSubjectReview":
      return bodyResponse(201, withField(asked, "status", { userInfo: userInfo(request.user) }));
    case "SelfSubjectRulesReview":
      return bodyResponse(201, withField(asked, "status", rulesOf(request.user)));
    default:
      return bodyResponse(201, withField(asked, "status", accessStatus(kind, asked, request.user)));
  }
}

function accessStatus(kind: string, review: JsonObject, self: User): JsonObject {
  const user =
    kind === "SelfSubjectAccessReview"
      ? self
      : {
          name: stringAt(review, ["spec", "user"]),
          groups: listAt(review, ["spec", "groups"]).map(String),
        };
  return { allowed: isAllowed(user, attributesOf(objectAt(review, ["spec"]))) };
}

function attributesOf(spec: JsonObject): Attributes {
  const resource = objectAt(spec, ["resourceAttributes"]);
  if (Object.keys(resource).length === 0) {
    return {
      kind: "path",
      verb: stringAt(spec, ["nonResourceAttributes", "verb"]),
      path: stringAt(spec, ["nonResourceAttributes", "path"]),
    };
  }
  return {
    kind: "resource",
    verb: stringAt(resource, ["verb"]),
    group: stringAt(resource, ["group"]),
    resource: stringAt(resource, ["resource"]),
    subresource: stringAt(resource, ["subresource"]),
    namespace: stringAt(resource, ["namespace"]),
    name: stringAt(resource, ["name"]),
  };
}

function rulesOf(user: User): JsonObject {
  const all = ["*"];
  const isMaster = isAllowed(user, { kind: "path", verb: "*", path: "*" });
  return {
    resourceRules: isMaster ? [{ verbs: all, apiGroups: all, resources: all }] : [],
    nonResourceRules: isMaster ? [{ verbs: all, nonResourceURLs: all }] : [],
    incomplete: false,
  };
}

function userInfo({ name, groups, uid }: User): JsonObject {
  return { username: name, groups, ...(uid === undefined ? {} : { uid }) };
}

function serveTokenRequest(
  core: ApiServerCore,
  { request, path }: Review,
  asked: JsonObject,
  { tokenKey }: ReviewDeps,
): ApiResponse {
  const { namespace, name } = path;
  const account = core.state.store.get("/serviceaccounts", `${namespace}/${name}`);
  if (account === undefined) {
    return errorResponse(notFound({ group: "", plural: "serviceaccounts" }, name));
  }
  const requested = listAt(asked, ["spec", "audiences"]).map(String);
  const audiences = requested.length > 0 ? requested : [DEFAULT_AUDIENCE];
  const lifetime = numberAt(asked, ["spec", "expirationSeconds"]) ?? DEFAULT_TOKEN_SECONDS;
  const issuedAt = Math.floor(request.nowMs / 1000);
  const uid = stringAt(account, ["metadata", "uid"]);
  const claims = { namespace, name, uid, audiences, issuedAt, expiresAt: issuedAt + lifetime };
  return bodyResponse(201, {
    kind: "TokenRequest",
    apiVersion: "authentication.k8s.io/v1",
    metadata: { name, namespace, uid, creationTimestamp: rfc3339(request.nowMs) },
    spec: { audiences, expirationSeconds: lifetime, boundObjectRef: null },
    status: {
      token: issueToken(claims, tokenKey),
      expirationTimestamp: rfc3339(claims.expiresAt * 1000),
    },
  });
}
