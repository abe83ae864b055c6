import { isDeepStrictEqual } from "node:util";
import { type JsonRecord } from "../../../api/json.ts";
import type { EndpointSlice } from "../../../api/kube/endpoint-slice.ts";
import { ANNOTATION_EXPORT_TO } from "../../../api/mcs/labels.ts";
import { isOwn } from "../../reconcile/is-own.ts";
import { mergeDiff, ownedPart } from "../../reconcile/merge-diff.ts";
import { wholePatch } from "../diff-import.ts";

export type SliceOp =
  | { readonly kind: "create"; readonly slice: EndpointSlice }
  | { readonly kind: "patch"; readonly observed: EndpointSlice; readonly patch: JsonRecord }
  | { readonly kind: "delete"; readonly observed: EndpointSlice }
  /** Somebody else's slice has the name: it is left alone (I3). */
  | { readonly kind: "occupied"; readonly name: string };

/**
 * Least writes from the slices we own to those we want. Creations and changes come first, so that endpoints
 * that move between slices are never missing from both.
 * @param observed.ownSlices our slices of this import, no others.
 * @param observed.findSlice any slice of the namespace: ours may have lost the label by which they belong to the import.
 */
export function diffSlices(
  observed: {
    readonly ownSlices: readonly EndpointSlice[];
    readonly findSlice: (name: string) => EndpointSlice | undefined;
  },
  desired: readonly EndpointSlice[],
): readonly SliceOp[] {
  const want = new Set(desired.map((slice) => slice.metadata.name));
  return [
    ...desired.flatMap((slice) => opsFor(observed.findSlice(slice.metadata.name), slice)),
    ...observed.ownSlices
      .filter((slice) => !want.has(slice.metadata.name))
      .map((slice): SliceOp => ({ kind: "delete", observed: slice })),
  ];
}

function opsFor(existing: EndpointSlice | undefined, slice: EndpointSlice): readonly SliceOp[] {
  if (existing === undefined) return [{ kind: "create", slice }];
  if (!isOwn(existing)) return [{ kind: "occupied", name: slice.metadata.name }];
  if (existing.addressType !== slice.addressType) {
    // EPS-10: immutable, so the slice has to make room first.
    return [
      { kind: "delete", observed: existing },
      { kind: "create", slice },
    ];
  }
  const patch = diffSlice(existing, slice);
  return patch === undefined ? [] : [{ kind: "patch", observed: existing, patch }];
}

/** Undefined when the slice is as desired. */
export function diffSlice(observed: EndpointSlice, desired: EndpointSlice): JsonRecord | undefined {
  const labels = desired.metadata.labels ?? {};
  const annotations = desired.metadata.annotations ?? {};
  const owners = desired.metadata.ownerReferences ?? [];
  return wholePatch(
    observed,
    {
      labels: mergeDiff(ownedPart(observed.metadata.labels, labels), labels),
      annotations: mergeDiff(
        ownedPart(observed.metadata.annotations, annotations, [ANNOTATION_EXPORT_TO]),
        annotations,
      ),
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
