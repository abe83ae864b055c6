import type { ClusterId } from "../../api/cluster-id.ts";
import { cidrsOverlap, parseCidr } from "../../api/network/cidr.ts";
import type { NetworkFacts } from "../../api/network/network-facts.ts";

export interface Overlap {
  readonly peer: ClusterId;
  readonly here: string;
  readonly there: string;
}

/**
 * Pod networks that this cluster shares with others. No error: vxlan and proxy do not mind. But the same address means
 * two pods, so that underlay and overlay-cni are of no use between the two.
 */
export function findOverlaps(
  own: readonly string[],
  peers: ReadonlyMap<ClusterId, Pick<NetworkFacts, "podCidrs">>,
): readonly Overlap[] {
  return [...peers]
    .flatMap(([peer, { podCidrs }]) =>
      own.flatMap((here) =>
        podCidrs.filter((there) => meet(here, there)).map((there) => ({ peer, here, there })),
      ),
    )
    .toSorted((a, b) => (a.peer < b.peer ? -1 : a.peer > b.peer ? 1 : 0));
}

function meet(one: string, other: string): boolean {
  const [a, b] = [parseCidr(one), parseCidr(other)];
  return a.ok && b.ok && cidrsOverlap(a.value, b.value);
}
