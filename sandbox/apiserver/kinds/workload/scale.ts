import type { JsonObject } from "../../object/json.ts";
import { numberAt, objectAt, stringAt, withFieldAt } from "../../object/json.ts";
import { rfc3339 } from "../../object/timestamp.ts";
import { formatSelector } from "./label-selector.ts";

/** The autoscaling/v1 Scale of a workload. */
export function scaleOf(workload: JsonObject): JsonObject {
  const metadata = objectAt(workload, ["metadata"]);
  const created = stringAt(metadata, ["creationTimestamp"]) || rfc3339(0);
  const replicas = numberAt(workload, ["spec", "replicas"]) ?? 0;
  return {
    kind: "Scale",
    apiVersion: "autoscaling/v1",
    metadata: {
      name: stringAt(metadata, ["name"]),
      namespace: stringAt(metadata, ["namespace"]),
      uid: stringAt(metadata, ["uid"]),
      resourceVersion: stringAt(metadata, ["resourceVersion"]),
      creationTimestamp: created,
    },
    // Go leaves zeros out.
    spec: replicas === 0 ? {} : { replicas },
    status: {
      replicas: numberAt(workload, ["status", "replicas"]) ?? 0,
      selector: formatSelector(objectAt(workload, ["spec", "selector"])),
    },
  };
}

/** The workload with the replicas a Scale asks for. */
export function withScale(workload: JsonObject, scale: JsonObject): JsonObject {
  return withFieldAt(workload, ["spec", "replicas"], numberAt(scale, ["spec", "replicas"]) ?? 0);
}
