import type { ApiServerCore } from "../core/api-server-core.ts";
import type { ApiRequest, ApiResponse } from "../http/api-request.ts";
import { notAcceptable, parseAccept } from "../http/negotiate.ts";
import { bodyResponse, errorResponse, textResponse } from "../http/represent.ts";
import type { JsonObject } from "../object/json.ts";
import { aggregatedDiscovery } from "./aggregated-discovery.ts";
import { type GroupVersion, groupVersions } from "./group-version.ts";
import { apiGroup, apiGroupList, apiResourceList, apiVersions } from "./legacy-discovery.ts";

/** The version of the real server whose behaviour this one was held against. */
const VERSION = {
  major: "1",
  minor: "36",
  emulationMajor: "1",
  emulationMinor: "36",
  minCompatibilityMajor: "1",
  minCompatibilityMinor: "35",
  gitVersion: "v1.36.0-isthmus",
  gitCommit: "",
  gitTreeState: "",
  buildDate: "1970-01-01T00:00:00Z",
  goVersion: "",
  compiler: "",
  platform: "embedded",
};

/** Answers for paths that are not resources: health, version, discovery and OpenAPI; undefined for others. */
export function discoveryDocument(
  core: ApiServerCore,
  request: ApiRequest,
): ApiResponse | undefined {
  const { path } = request;
  if (request.method !== "GET" && request.method !== "HEAD") return undefined;
  if (/^\/(healthz|livez|readyz)(\/|$)/.test(path)) return textResponse(200, "ok");
  if (path === "/version") return bodyResponse(200, VERSION);
  if (path === "/openapi/v2") return swaggerResponse(core, request);
  if (path === "/openapi/v3") return openApiIndex(core);
  if (path.startsWith("/openapi/v3/")) {
    const document = core.openApi.v3(path.slice("/openapi/v3/".length));
    return document === undefined ? undefined : jsonResponse(document);
  }
  return apiDocument(groupVersions(core.state.kinds), request);
}

function apiDocument(
  served: readonly GroupVersion[],
  request: ApiRequest,
): ApiResponse | undefined {
  const [root, first, second, ...more] = request.path.split("/").slice(1);
  if (more.length > 0) return undefined;
  const isCore = root === "api";
  if (!isCore && root !== "apis") return undefined;
  if (first === undefined) {
    const part = served.filter(({ group }) => (group === "") === isCore);
    const legacy = isCore ? apiVersions(request.headers["host"] ?? "") : apiGroupList(part);
    return aggregatedResponse(part, request) ?? bodyResponse(200, legacy);
  }
  const group = isCore ? "" : first;
  const version = isCore ? first : second;
  if (version === undefined) return found(apiGroup(group, served));
  if (isCore && second !== undefined) return undefined;
  const one = served.find((other) => other.group === group && other.version === version);
  return found(one === undefined ? undefined : apiResourceList(one));
}

/** The aggregated form, when the client prefers it. */
function aggregatedResponse(
  served: readonly GroupVersion[],
  request: ApiRequest,
): ApiResponse | undefined {
  const [wanted] = parseAccept(request.headers["accept"] ?? "");
  if (wanted?.parameters.get("as") !== "APIGroupDiscoveryList") return undefined;
  const version = wanted.parameters.get("v");
  if (wanted.parameters.get("g") !== "apidiscovery.k8s.io") return undefined;
  if (version !== "v2" && version !== "v2beta1") return undefined;
  const contentType = `application/json;g=apidiscovery.k8s.io;v=${version};as=APIGroupDiscoveryList`;
  const document = aggregatedDiscovery(served, version);
  return {
    kind: "body",
    status: 200,
    headers: { "content-type": contentType },
    body: JSON.stringify(document),
  };
}

function openApiIndex(core: ApiServerCore): ApiResponse {
  return textResponse(200, JSON.stringify(core.openApi.index()));
}

function swaggerResponse(core: ApiServerCore, { headers }: ApiRequest): ApiResponse {
  const accepted = parseAccept(headers["accept"] ?? "*/*").map(({ type }) => type);
  const json = ["application/json", "application/*", "*/*"];
  if (!accepted.some((type) => json.includes(type))) {
    return errorResponse(notAcceptable(["application/json"]));
  }
  return jsonResponse(core.openApi.v2());
}

function found(document: JsonObject | undefined): ApiResponse | undefined {
  return document === undefined ? undefined : bodyResponse(200, document);
}

function jsonResponse(body: string): ApiResponse {
  return { kind: "body", status: 200, headers: { "content-type": "application/json" }, body };
}
