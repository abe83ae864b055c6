import type { EndpointSlice } from "../../api/kube/endpoint-slice.ts";
import { LABEL_SOURCE_CLUSTER } from "../../api/mcs/labels.ts";

/**
 * The slices of one service without those of dead clusters, unless no ready endpoint would be left to answer (design,
 * decision 6; CLN-08). Whoever writes the slices decides alike, later. Pure.
 */
export function livingSlices(
  slices: readonly EndpointSlice[],
  dead: ReadonlySet<string>,
): readonly EndpointSlice[] {
  if (dead.size === 0) return slices;
  const living = slices.filter(
    ({ metadata }) => !dead.has(metadata.labels?.[LABEL_SOURCE_CLUSTER] ?? ""),
  );
  const isAnyReady = living.some(({ endpoints }) =>
    (endpoints ?? []).some(({ conditions }) => conditions?.ready !== false),
  );
  return isAnyReady ? living : slices;
}
