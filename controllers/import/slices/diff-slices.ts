import { isDeepStrictEqual } from "node:util";
import type { EndpointSlice } from "../../../api/kube/endpoint-slice.ts";
import { type JsonRecord, mergeDiff, ownedPart } from "../../reconcile/merge-diff.ts";
import { wholePatch } from "../diff-import.ts";

export type SliceOp =
  | { readonly kind: "create"; readonly slice: EndpointSlice }
  | { readonly kind: "patch"; readonly observed: EndpointSlice; readonly patch: JsonRecord }
  | { readonly kind: "delete"; readonly observed: EndpointSlice };

/**
 * Least writes from the slices we own to those we want. Creations and changes come first, so that endpoints
 * that move between slices are never missing from both.
 * @param observed our slices of this import, no others.
 */
export function diffSlices(
  observed: readonly EndpointSlice[],
  desired: readonly EndpointSlice[],
): readonly SliceOp[] {
  const have = new Map(observed.map((slice) => [slice.metadata.name, slice]));
  const want = new Set(desired.map((slice) => slice.metadata.name));
  const ops: SliceOp[] = [];
  for (const slice of desired) {
    const existing = have.get(slice.metadata.name);
    if (existing === undefined) {
      ops.push({ kind: "create", slice });
    } else if (existing.addressType !== slice.addressType) {
      // EPS-10: immutable, so the slice has to make room first.
      ops.push({ kind: "delete", observed: existing }, { kind: "create", slice });
    } else {
      const patch = diffSlice(existing, slice);
      if (patch !== undefined) ops.push({ kind: "patch", observed: existing, patch });
    }
  }
  for (const slice of observed) {
    if (!want.has(slice.metadata.name)) ops.push({ kind: "delete", observed: slice });
  }
  return ops;
}

function diffSlice(observed: EndpointSlice, desired: EndpointSlice): JsonRecord | undefined {
  const labels = desired.metadata.labels ?? {};
  const owners = desired.metadata.ownerReferences ?? [];
  return wholePatch(
    observed,
    {
      labels: mergeDiff(ownedPart(observed.metadata.labels, labels), labels),
      ownerReferences: isDeepStrictEqual(observed.metadata.ownerReferences, owners)
        ? undefined
        : owners,
    },
    {
      ...(isDeepStrictEqual(observed.endpoints ?? [], desired.endpoints)
        ? {}
        : { endpoints: desired.endpoints }),
      ...(isDeepStrictEqual(observed.ports ?? [], desired.ports) ? {} : { ports: desired.ports }),
    },
  );
}
