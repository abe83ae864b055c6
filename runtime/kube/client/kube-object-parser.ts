import { isRecord, parseJson } from "../../../api/json.ts";
import type { KubeObject, Resource } from "../../../api/kube/object.ts";
import { apiVersionOf } from "../../../api/kube/object.ts";
import type { Result } from "../../../api/result.ts";
import { err, ok } from "../../../api/result.ts";
import type { ListPage, WatchEvent } from "../kube-client.ts";
import type { KubeError } from "../kube-error.ts";
import { fromStatusObject } from "./status-error.ts";

/**
 * The envelope is checked (an object with a name); the rest is the API server's to guarantee through its schemas.
 * Items of built-in lists come without apiVersion and kind: they are filled in.
 */
export function parseKubeObject<T extends KubeObject>(
  value: unknown,
  resource: Resource,
): Result<T, KubeError> {
  if (!isRecord(value) || !isRecord(value["metadata"])) {
    return malformed(resource, "must be an object with metadata", value);
  }
  if (typeof value["metadata"]["name"] !== "string") {
    return malformed(resource, "metadata.name must be a string", value["metadata"]["name"]);
  }
  const object =
    typeof value["kind"] === "string" && typeof value["apiVersion"] === "string"
      ? value
      : { ...value, apiVersion: apiVersionOf(resource), kind: resource.kind };
  return ok(object as unknown as T);
}

export function parseListPage<T extends KubeObject>(
  value: unknown,
  resource: Resource,
): Result<ListPage<T>, KubeError> {
  if (!isRecord(value) || !isRecord(value["metadata"])) {
    return malformed(resource, "a list must be an object with metadata", value);
  }
  const { resourceVersion, continue: continueToken } = value["metadata"];
  if (typeof resourceVersion !== "string") {
    return malformed(resource, "a list must have a resourceVersion", resourceVersion);
  }
  // Go writes an empty slice as null.
  const raw = value["items"] ?? [];
  if (!Array.isArray(raw)) return malformed(resource, "items must be a list", raw);
  const items: T[] = [];
  for (const item of raw) {
    const object = parseKubeObject<T>(item, resource);
    if (!object.ok) return object;
    items.push(object.value);
  }
  const more = typeof continueToken === "string" && continueToken !== "";
  return ok({ items, resourceVersion, ...(more && { continueToken }) });
}

const EVENT_KINDS: Readonly<Record<string, "added" | "modified" | "deleted">> = {
  ADDED: "added",
  MODIFIED: "modified",
  DELETED: "deleted",
};

/** One line of a watch. The ERROR event is an error. */
export function parseWatchEvent<T extends KubeObject>(
  line: string,
  resource: Resource,
): Result<WatchEvent<T>, KubeError> {
  const value = parseJson(line);
  if (!isRecord(value)) return malformed(resource, "a watch line must be a JSON object", line);
  if (value["type"] === "ERROR") return err(fromStatusObject(value["object"]));
  if (value["type"] === "BOOKMARK") {
    const object = isRecord(value["object"]) ? value["object"] : {};
    const metadata = isRecord(object["metadata"]) ? object["metadata"] : {};
    const resourceVersion = metadata["resourceVersion"];
    if (typeof resourceVersion === "string") return ok({ kind: "bookmark", resourceVersion });
    return malformed(resource, "a bookmark must have a resourceVersion", resourceVersion);
  }
  const kind = typeof value["type"] === "string" ? EVENT_KINDS[value["type"]] : undefined;
  if (kind === undefined) return malformed(resource, "unknown watch event type", value["type"]);
  const object = parseKubeObject<T>(value["object"], resource);
  return object.ok ? ok({ kind, object: object.value }) : object;
}

function malformed(resource: Resource, rule: string, seen: unknown): Result<never, KubeError> {
  const shown = (JSON.stringify(seen) ?? "undefined").slice(0, 200);
  return err({
    kind: "unavailable",
    message: `cannot read ${resource.plural} from API server: ${rule}: got ${shown}`,
  });
}
