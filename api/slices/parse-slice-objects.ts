import type { KubeObject } from "../kube/object.ts";
import type { Result } from "../result.ts";
import { parseSlice } from "./parse-slice.ts";
import type { Slice } from "./slice.ts";
import { SliceSet } from "./slice-set.ts";

/** What the Slice objects of a cluster say together. An error is about one of them, or about two that conflict. */
export function parseSliceObjects(objects: Iterable<KubeObject>): Result<SliceSet, string> {
  const slices: Slice[] = [];
  for (const object of objects) {
    const slice = parseSlice(object.metadata.name, Reflect.get(object, "spec"));
    if (!slice.ok) return slice;
    slices.push(slice.value);
  }
  return SliceSet.of(slices);
}
