import type { Command } from "../../sandbox/network/netns/net-commands.ts";
import { type ClusterPlan, INTERNET } from "../../sandbox/network/netns/net-plan.ts";

/**
 * Links as network cards make them: what is sent is cut to size on the wire (TSO) and what arrives is put together before IP sees it
 * (GRO). A veth as it is does neither: it hands on packets of 64 KiB, and where something on the way has cut them, IP and all its hooks
 * meet each piece alone.
 */
export function cardOffloads(clusters: readonly ClusterPlan[]): readonly Command[] {
  return clusters.flatMap(({ nodes }) =>
    nodes.flatMap(({ namespace, port }) => [
      // A veth gives what it is sent to GRO only where its other end does not pass on large packets (veth_skb_is_eligible_for_gro).
      `ip netns exec ${INTERNET} ethtool -K ${port} tso off`,
      `ip netns exec ${namespace} ethtool -K eth0 gro on`,
    ]),
  );
}
