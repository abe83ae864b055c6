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
  /** It is up, but was not a moment ago: see `isFresh`. */
  readonly isFresh?: boolean;
}

export interface ChosenGateways {
  /** Those that carry packets now. */
  readonly through: readonly string[];
  /** Those that carry back what came through them: the same, and all others that can. */
  readonly back: readonly string[];
}

/**
 * So long a gateway that came back is given nothing, ms: everybody on the way must have noticed it before somebody sends through it,
 * or answers would take other ways, where a gateway that has not seen the question drops those of UDP.
 */
export const ADMIT_MS = 2_000;

/** Clocks of machines differ: what is of the future is not fresh. */
export function isFresh(sinceMs: number, nowMs: number): boolean {
  return nowMs >= sinceMs && nowMs - sinceMs < ADMIT_MS;
}

/**
 * All that are as good as the best one carry packets. So nobody is dropped for want of knowledge, and where none is good, all
 * go on being tried: what probes cannot reach may still carry, and nothing better is left.
 */
export function chooseGateways(candidates: readonly GatewayCandidate[]): ChosenGateways {
  const best = Math.min(...candidates.map(badness));
  const through = candidates.filter((candidate) => badness(candidate) === best);
  const back = candidates.filter(
    (candidate) => through.includes(candidate) || !isUseless(candidate),
  );
  return { through: through.map(({ name }) => name), back: back.map(({ name }) => name) };
}

function isUseless({ probe, saysDown }: GatewayCandidate): boolean {
  return probe === "down" || saysDown === true;
}

function badness({ probe, saysDown, isNotReady, isFresh: fresh }: GatewayCandidate): number {
  const dead = probe === "down" ? 16 : 0;
  const useless = saysDown === true ? 8 : 0;
  const leaving = isNotReady === true ? 4 : 0;
  const unsure = probe === "unknown" ? 2 : 0;
  return dead + useless + leaving + unsure + (fresh === true ? 1 : 0);
}
