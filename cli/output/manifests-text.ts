import { stringify } from "yaml";
import type { KubeObject } from "../../api/kube/object.ts";
import type { OutputForm } from "./render.ts";

/** Objects as `kubectl apply -f -` takes them: YAML documents for people and as `yaml`, a List as `json`. */
export function manifestsText(objects: readonly KubeObject[], form: OutputForm): string {
  if (form === "json") {
    return JSON.stringify({ apiVersion: "v1", kind: "List", items: objects }, null, 2);
  }
  return objects
    .map((object) => stringify(object, { lineWidth: 0 }))
    .join("---\n")
    .trimEnd();
}
