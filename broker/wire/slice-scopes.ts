import type { Slice as SliceMessage, SliceScopes } from "../../api/broker/broker.gen.ts";
import { err, ok, type Result } from "../../api/result.ts";
import { parseSlice } from "../../api/slices/parse-slice.ts";
import type { Slice } from "../../api/slices/slice.ts";
import { SliceSet } from "../../api/slices/slice-set.ts";

/** Named in Hello by members that keep to slices, and in Welcome by brokers that tell of them. */
export const SLICES_CAPABILITY = "slices";

/** Of Hello.visibility and SliceScopes.visibility. */
export const VISIBILITY_LENGTH_MAX = 64;

export function encodeSliceScopes(visibility: string, slices: readonly Slice[]): SliceScopes {
  return {
    visibility,
    slices: slices.map(({ name, clusters, namespaces, podLabels, bandwidth }) => ({
      name,
      clusters,
      namespaces,
      podLabels,
      floor: bandwidth.floor ?? 0,
      ceiling: bandwidth.ceiling ?? 0,
    })),
  };
}

export interface DecodedScopes {
  readonly visibility: string;
  readonly slices: SliceSet;
}

/** Gateways and DNS are configured from it, so it is checked as what an admin writes is. */
export function decodeSliceScopes({
  visibility,
  slices,
}: SliceScopes): Result<DecodedScopes, string> {
  if (visibility.length > VISIBILITY_LENGTH_MAX) {
    return err(
      `visibility must be at most ${VISIBILITY_LENGTH_MAX} characters: got ${visibility.length}`,
    );
  }
  const read: Slice[] = [];
  for (const message of slices) {
    const slice = parseSlice(message.name, documentFrom(message));
    if (!slice.ok) return slice;
    read.push(slice.value);
  }
  const set = SliceSet.of(read);
  return set.ok ? ok({ visibility, slices: set.value }) : set;
}

function documentFrom({ clusters, namespaces, podLabels, floor, ceiling }: SliceMessage): unknown {
  return {
    clusters,
    namespaces,
    podSelector: { matchLabels: podLabels },
    bandwidth: { ...(floor > 0 && { floor }), ...(ceiling > 0 && { ceiling }) },
  };
}
