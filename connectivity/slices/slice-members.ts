import type { ClusterId } from "../../api/cluster-id.ts";
import { ownAddresses, type PodPlace } from "../../api/kube/pod.ts";
import { holdsClient, type SliceSet } from "../../api/slices/slice-set.ts";

/** Addresses of the own cluster's pods that may be clients, by the name of the slice. */
export function sliceMembers(
  own: ClusterId,
  { slices }: SliceSet,
  pods: Iterable<PodPlace>,
): ReadonlyMap<string, readonly string[]> {
  const members = new Map<string, string[]>(slices.map(({ name }) => [name, []]));
  for (const pod of pods) {
    const { namespace = "", labels = {} } = pod.metadata;
    const addresses = ownAddresses(pod);
    if (addresses.length === 0) continue;
    const client = { cluster: own, namespace, labels };
    const slice = slices.find((candidate) => holdsClient(candidate, client));
    if (slice !== undefined) members.get(slice.name)?.push(...addresses);
  }
  return members;
}
