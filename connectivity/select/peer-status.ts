import type { PathStatus, PeerStatus } from "../../api/network/peer.ts";
import type { Choice } from "./choose-path.ts";
import type { PathFact } from "./path-fact.ts";

/** Longest text that the CRD takes. */
const REASON_MAX = 1_024;

/** What one choice and its paths look like in a Peer's status: the chosen one first. */
export function peerStatus(
  { backend, sinceMs, reason }: Choice,
  facts: readonly PathFact[],
): PeerStatus {
  const chosenFirst = facts.toSorted(
    (a, b) => Number(b.backend === backend) - Number(a.backend === backend),
  );
  return {
    ...(backend === undefined ? {} : { backend }),
    since: rfc3339(sinceMs),
    reason: reason.slice(0, REASON_MAX),
    // Not with a pin to a dead path alone: services may be pinned to another.
    dead: facts.every(({ unusable, state }) => unusable !== undefined || state === "down"),
    paths: chosenFirst.map(pathStatus),
  };
}

function pathStatus(fact: PathFact): PathStatus {
  const { backend, unusable, state, reason, sinceMs, rttMs, lossPercent, mtu } = fact;
  // What cannot be used is not offered whatever probes say: for a reader it is down.
  const told =
    unusable === undefined ? { state, reason } : ({ state: "down", reason: unusable } as const);
  return {
    backend,
    state: told.state,
    reason: told.reason.slice(0, REASON_MAX),
    ...(rttMs === undefined ? {} : { rttMs: Math.round(rttMs * 100) / 100 }),
    ...(lossPercent === undefined ? {} : { lossPercent: Math.round(lossPercent * 10) / 10 }),
    ...(mtu === undefined ? {} : { mtu }),
    ...(sinceMs === undefined || unusable !== undefined ? {} : { since: rfc3339(sinceMs) }),
  };
}

/** To the second, as Kubernetes writes `date-time`. */
function rfc3339(ms: number): string {
  return new Date(ms).toISOString().replace(/\.\d+Z$/, "Z");
}
