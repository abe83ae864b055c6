import type { JsonObject } from "../../object/json.ts";
import { isObject, listAt, numberAt, objectAt, stringAt, withFieldAt } from "../../object/json.ts";
import { rfc3339 } from "../../object/timestamp.ts";

/** The autoscaling/v1 Scale of a workload. */
export function scaleOf(workload: JsonObject): JsonObject {
  const metadata = objectAt(workload, ["metadata"]);
  const created = stringAt(metadata, ["creationTimestamp"]) || rfc3339(0);
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
    spec: { replicas: numberAt(workload, ["spec", "replicas"]) ?? 0 },
    status: {
      replicas: numberAt(workload, ["status", "replicas"]) ?? 0,
      selector: selectorText(objectAt(workload, ["spec", "selector"])),
    },
  };
}

/** The workload with the replicas a Scale asks for. */
export function withScale(workload: JsonObject, scale: JsonObject): JsonObject {
  return withFieldAt(workload, ["spec", "replicas"], numberAt(scale, ["spec", "replicas"]) ?? 0);
}

function selectorText(selector: JsonObject): string {
  const labels = Object.entries(objectAt(selector, ["matchLabels"])).map(
    ([key, value]) => `${key}=${typeof value === "string" ? value : JSON.stringify(value)}`,
  );
  const requirements = listAt(selector, ["matchExpressions"])
    .filter(isObject)
    .map((requirement) => {
      const key = stringAt(requirement, ["key"]);
      const values = listAt(requirement, ["values"])
        .filter((value) => typeof value === "string")
        .join(",");
      switch (stringAt(requirement, ["operator"])) {
        case "In":
          return `${key} in (${values})`;
        case "NotIn":
          return `${key} notin (${values})`;
        case "Exists":
          return key;
        default:
          return `!${key}`;
      }
    });
  return [...labels, ...requirements].toSorted().join(",");
}
