import type { KindVersion } from "../kinds/kind.ts";
import { type JsonObject, objectAt, stringAt } from "../object/json.ts";

/** How much of each object a table's rows carry. */
export type IncludeObject = "None" | "Metadata" | "Object";

export interface TableRequest {
  readonly version: KindVersion;
  readonly objects: readonly JsonObject[];
  readonly metadata: JsonObject;
  readonly includeObject: IncludeObject;
  /** Of meta.k8s.io. */
  readonly shapeVersion: string;
  readonly nowMs: number;
}

const NAME_COLUMN = {
  name: "Name",
  type: "string",
  format: "name",
  description:
    "Name must be unique within a namespace. Is required when creating resources, although some resources may allow a client to request the generation of an appropriate name automatically. Name is primarily intended for creation idempotence and configuration definition. Cannot be updated. More info: https://kubernetes.io/docs/concepts/overview/working-with-objects/names#names",
  priority: 0,
};

/** What `kubectl get` prints: columns, and a row for each object. */
export function tableOf(request: TableRequest): JsonObject {
  const { version, objects, metadata, nowMs } = request;
  const columns = version.printerColumns;
  return {
    kind: "Table",
    apiVersion: `meta.k8s.io/${request.shapeVersion}`,
    metadata,
    columnDefinitions: [
      NAME_COLUMN,
      ...columns.map(({ name, type, format, description, priority }) => ({
        name,
        type,
        format,
        description,
        priority,
      })),
    ],
    rows: objects.map((object) => ({
      cells: [
        stringAt(object, ["metadata", "name"]),
        ...columns.map((column) => column.value(object, { nowMs })),
      ],
      object: rowObject(object, request),
    })),
  };
}

/** The table of a watch's single event. */
export function eventTable(
  object: JsonObject,
  request: Omit<TableRequest, "objects" | "metadata">,
): JsonObject {
  const resourceVersion = stringAt(object, ["metadata", "resourceVersion"]);
  return tableOf({ ...request, objects: [object], metadata: { resourceVersion } });
}

export function partialMetadata(object: JsonObject, shapeVersion: string): JsonObject {
  return {
    kind: "PartialObjectMetadata",
    apiVersion: `meta.k8s.io/${shapeVersion}`,
    metadata: objectAt(object, ["metadata"]),
  };
}

function rowObject(
  object: JsonObject,
  { includeObject, shapeVersion }: TableRequest,
): JsonObject | null {
  switch (includeObject) {
    case "None":
      return null;
    case "Metadata":
      return partialMetadata(object, shapeVersion);
    case "Object":
      return object;
  }
}
