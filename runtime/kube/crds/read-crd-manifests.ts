import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { parse } from "yaml";
import { invariant } from "../../../api/invariant.ts";
import type { CustomResourceDefinition } from "../../../api/kube/custom-resource-definition.ts";

/** The CRD manifests that the project ships (api/crds), by name. A manifest of our own that cannot be read is a bug. */
export function readCrdManifests(directory: string): readonly CustomResourceDefinition[] {
  const files = readdirSync(directory).filter((name) => name.endsWith(".yaml"));
  return files.sort().map((file) => {
    const manifest: unknown = parse(readFileSync(join(directory, file), "utf8"));
    invariant(isDefinition(manifest), "api/crds holds one CustomResourceDefinition a file", {
      file,
    });
    return manifest;
  });
}

function isDefinition(value: unknown): value is CustomResourceDefinition {
  return (
    typeof value === "object" &&
    value !== null &&
    "kind" in value &&
    value.kind === "CustomResourceDefinition" &&
    "metadata" in value &&
    "spec" in value
  );
}
