import { stringify } from "yaml";
import { type JsonObject, objectAt, stringAt, withField, withFieldAt } from "../object/json.ts";
import { type StatusError, toStatus } from "../object/status-error.ts";
import { apiVersionOf } from "../registry/kind-registry.ts";
import type { ObjectList } from "../registry/list-objects.ts";
import type { Target } from "../registry/registry-state.ts";
import { eventTable, type IncludeObject, partialMetadata, tableOf } from "../table/table.ts";
import type { WatchEvent } from "../watch/watch-event.ts";
import type { BodyResponse } from "./api-request.ts";
import { JSON_OBJECT, type Representation } from "./negotiate.ts";

/** What shapes the answer to one request, besides its content. */
export interface View {
  readonly target: Target;
  readonly representation: Representation;
  readonly includeObject: IncludeObject;
  readonly nowMs: number;
}

/** An object in the form that the client asked for. */
export function objectBody(object: JsonObject, view: View): JsonObject {
  const { representation, target } = view;
  switch (representation.shape) {
    case "object":
      return object;
    case "metadata":
      return partialMetadata(object, representation.shapeVersion);
    case "table":
      return eventTable(object, { ...tableBase(view), version: target.version });
  }
}

/** A list in the form that the client asked for. */
export function listBody(list: ObjectList, view: View): JsonObject {
  const { representation, target } = view;
  const { kind, version } = target;
  const metadata = listMetadata(list);
  switch (representation.shape) {
    case "object":
      return {
        kind: kind.listKind,
        apiVersion: apiVersionOf(kind, version),
        metadata,
        items: kind.custom ? list.items : list.items.map(withoutType),
      };
    case "metadata":
      return {
        kind: "PartialObjectMetadataList",
        apiVersion: `meta.k8s.io/${representation.shapeVersion}`,
        metadata,
        items: list.items.map((item) => partialMetadata(item, representation.shapeVersion)),
      };
    case "table":
      return tableOf({ ...tableBase(view), version, objects: list.items, metadata });
  }
}

/** Encodes a watch's events one after the other: a table sends its columns once. */
export function watchEncoder(view: View): (event: WatchEvent) => string {
  let isFirst = true;
  return ({ type, object }) => {
    const isStatus = type === "ERROR";
    let body = isStatus ? object : objectBody(object, view);
    if (view.representation.shape === "table" && !isStatus) {
      if (!isFirst) body = withField(body, "columnDefinitions", null);
      isFirst = false;
    }
    return `${JSON.stringify({ type, object: body })}\n`;
  };
}

export function bodyResponse(
  status: number,
  body: JsonObject,
  representation: Representation = JSON_OBJECT,
): BodyResponse {
  return {
    kind: "body",
    status,
    headers: { "content-type": representation.contentType },
    body: encode(body, representation),
  };
}

export function textResponse(status: number, body: string): BodyResponse {
  return {
    kind: "body",
    status,
    headers: { "content-type": "text/plain; charset=utf-8", "x-content-type-options": "nosniff" },
    body,
  };
}

/** A failure as a Status object. */
export function errorResponse(error: StatusError): BodyResponse {
  const retryAfter = error.details?.retryAfterSeconds;
  let status = toStatus(error);
  if (error.reason === "") status = withField(status, "reason", undefined);
  if ("continueToken" in error && typeof error.continueToken === "string") {
    status = withFieldAt(status, ["metadata", "continue"], error.continueToken);
  }
  return {
    kind: "body",
    status: error.code,
    headers: {
      "content-type": "application/json",
      ...(retryAfter === undefined ? {} : { "retry-after": String(retryAfter) }),
    },
    body: JSON.stringify(status),
  };
}

function encode(body: JsonObject, { encoding }: Representation): string {
  if (encoding === "json") return JSON.stringify(body);
  // YAML 1.1 is what Go's encoder writes: it quotes what the older rules would read as dates or numbers.
  return stringify(body, {
    version: "1.1",
    sortMapEntries: true,
    indentSeq: false,
    lineWidth: 0,
    aliasDuplicateObjects: false,
  });
}

function tableBase({ representation, includeObject, nowMs }: View): {
  readonly shapeVersion: string;
  readonly includeObject: IncludeObject;
  readonly nowMs: number;
} {
  return { shapeVersion: representation.shapeVersion, includeObject, nowMs };
}

function listMetadata(list: ObjectList): JsonObject {
  return {
    resourceVersion: list.resourceVersion,
    ...(list.continueToken === undefined ? {} : { continue: list.continueToken }),
    ...(list.remainingItemCount === undefined
      ? {}
      : { remainingItemCount: list.remainingItemCount }),
  };
}

/** Items of a typed list do not repeat what the list says. */
function withoutType(item: JsonObject): JsonObject {
  return withField(withField(item, "kind", undefined), "apiVersion", undefined);
}

/** Details of a successful deletion. */
export function deletedStatus(target: Target, object: JsonObject): JsonObject {
  const { group, plural } = target.kind;
  const metadata = objectAt(object, ["metadata"]);
  return {
    kind: "Status",
    apiVersion: "v1",
    metadata: {},
    status: "Success",
    details: {
      name: stringAt(metadata, ["name"]),
      ...(group === "" ? {} : { group }),
      kind: plural,
      uid: stringAt(metadata, ["uid"]),
    },
  };
}
