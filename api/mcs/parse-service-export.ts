import { isRecord } from "../json.ts";
import type { KubeObject } from "../kube/object.ts";
import { parseConditions, stringMap } from "./parse-parts.ts";
import type { ServiceExport } from "./service-export.ts";
import { wrong } from "./wrong-part.ts";

/** An object in the shape the code relies on, and what of it was not in that shape. */
export interface Parsed<T> {
  readonly value: T;
  /** What was left out, why, and the value seen; one sentence each. Empty for whatever today's CRD lets through. */
  readonly problems: readonly string[];
}

/**
 * ServiceExport of either version, `v1beta1` or `v1alpha1`: the schemas are the same (VER-01). Older CRDs of the same
 * version check less (VER-02), so a part of the wrong shape is left out and said, never trusted.
 */
export function parseServiceExport(object: KubeObject): Parsed<ServiceExport> {
  const problems: string[] = [];
  const spec: unknown = "spec" in object ? object.spec : undefined;
  const status: unknown = "status" in object ? object.status : undefined;
  if (spec !== undefined && !isRecord(spec)) problems.push(wrong("spec", "an object", spec));
  const labels = stringMap(spec, "exportedLabels", problems);
  const annotations = stringMap(spec, "exportedAnnotations", problems);
  const conditions = parseConditions(status, problems);
  return {
    problems,
    value: {
      apiVersion: object.apiVersion,
      kind: object.kind,
      metadata: object.metadata,
      spec: {
        ...(labels === undefined ? {} : { exportedLabels: labels }),
        ...(annotations === undefined ? {} : { exportedAnnotations: annotations }),
      },
      ...(conditions === undefined ? {} : { status: { conditions } }),
    },
  };
}
