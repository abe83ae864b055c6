import type { Kind, KindVersion } from "../kinds/kind.ts";
import type { JsonObject } from "../object/json.ts";

/** Query parameters that tell clients what the server can do (kubectl looks for `fieldValidation`). */
const WRITE_PARAMETERS = ["dryRun", "fieldManager", "fieldValidation"];

/** Paths of one kind with the operations that clients look at: which kind is there, and how writes may be asked for. */
export function pathsOfKind(
  kind: Kind,
  version: KindVersion,
  style: "v2" | "v3",
): Readonly<Record<string, JsonObject>> {
  const root = kind.group === "" ? `/api/${version.name}` : `/apis/${kind.group}/${version.name}`;
  const collection = kind.namespaced
    ? `${root}/namespaces/{namespace}/${kind.plural}`
    : `${root}/${kind.plural}`;
  const operation = operationOf(kind, version, style);
  return {
    [collection]: {
      get: operation("list", []),
      post: operation("post", WRITE_PARAMETERS),
    },
    [`${collection}/{name}`]: {
      get: operation("get", []),
      put: operation("put", WRITE_PARAMETERS),
      patch: operation("patch", [...WRITE_PARAMETERS, "force"]),
      delete: operation("delete", ["dryRun"]),
    },
  };
}

function operationOf(
  kind: Kind,
  version: KindVersion,
  style: "v2" | "v3",
): (action: string, parameters: readonly string[]) => JsonObject {
  return (action, parameters) => ({
    operationId: `${action}${kind.group}${version.name}${kind.kind}`.replace(/[^A-Za-z0-9]/g, ""),
    parameters: parameters.map((name) => ({
      name,
      in: "query",
      ...(style === "v3" ? { schema: { type: "string" } } : { type: "string" }),
    })),
    responses: { "200": { description: "OK" } },
    "x-kubernetes-action": action,
    "x-kubernetes-group-version-kind": {
      group: kind.group,
      version: version.name,
      kind: kind.kind,
    },
  });
}
