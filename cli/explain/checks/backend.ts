import { type Check, notNeeded, notTested, right, wrong } from "../finding.ts";
import { otherExporters } from "../other-exporters.ts";

/** By which backend are the exporters reached? */
export const checkBackend: Check = (facts) => {
  const others = otherExporters(facts);
  if (others.length === 0) return notNeeded("no other cluster exports it");
  const { peers } = facts;
  if (!peers.ok) return notTested(peers.error);
  if (peers.value.length === 0) return right("none is configured: addresses are used as they are");
  const chosen: string[] = [];
  for (const cluster of others) {
    const peer = peers.value.find(({ spec }) => spec.cluster === cluster);
    if (peer === undefined) {
      return notTested(`there is no Peer ${cluster}: it says nothing about its network`);
    }
    const { backend, reason = "no controller has looked at it yet" } = peer.status ?? {};
    if (backend === undefined) {
      return wrong(
        `no backend reaches ${cluster}: ${reason}`,
        "mend what is said, or let both clusters have one in common (docs/connectivity.md)",
      );
    }
    chosen.push(`${cluster} by ${backend}`);
  }
  return right(chosen.join(", "));
};
