import type { PathState } from "../../api/network/peer.ts";

/** A gateway that could carry packets to a peer. */
export interface GatewayCandidate {
  readonly name: string;
  /** Of our own probes of it; "unknown" too before there are any. */
  readonly probe: PathState;
  /** It says itself that it does not reach the peer. */
  readonly saysDown?: boolean;
  /** Whoever chooses gateways does not count on it. */
  readonly isNotReady?: boolean;
}

/**
 * Those that carry packets now: all that are as good as the best one. So nobody is dropped for want of knowledge, and where
 * none is good, all go on being tried: what probes cannot reach may still carry, and nothing better is left.
 */
export function chooseGateways(candidates: readonly GatewayCandidate[]): readonly string[] {
  const best = Math.min(...candidates.map(badness));
  return candidates.filter((candidate) => badness(candidate) === best).map(({ name }) => name);
}

function badness({ probe, saysDown, isNotReady }: GatewayCandidate): number {
  const dead = probe === "down" ? 8 : 0;
  const useless = saysDown === true ? 4 : 0;
  const leaving = isNotReady === true ? 2 : 0;
  return dead + useless + leaving + (probe === "unknown" ? 1 : 0);
}
