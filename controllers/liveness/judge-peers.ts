import type { ClusterId } from "../../api/cluster-id.ts";
import type { Peer } from "../../broker/client/peer-table.ts";

export interface PeerFacts {
  readonly peers: ReadonlyMap<ClusterId, Peer>;
  /** Monotonic milliseconds of the first sync of this process; undefined: nobody has told anything yet. */
  readonly firstSyncedMs: number | undefined;
  /** The broker can be heard, and has said in this session what it knows. */
  readonly isHeard: boolean;
  /** How long a cluster may be unheard of before its endpoints go; infinite: for ever. */
  readonly staleAfterMs: number;
  readonly nowMs: number;
}

export interface Judgement {
  /** Members that have been without a stream for too long. */
  readonly lost: ReadonlySet<ClusterId>;
  /** Clusters that the broker does not list have had their time to appear. */
  readonly isUnlistedLost: boolean;
  /** Monotonic milliseconds when time alone changes this; undefined: never. */
  readonly nextMs: number | undefined;
}

export const NOBODY_LOST: Judgement = {
  lost: new Set(),
  isUnlistedLost: false,
  nextMs: undefined,
};

/**
 * Every other member is lost: then it is we who are cut off, as far as anybody can tell. With a single peer the word about it
 * is all there is.
 */
export function isAloneAmong(
  peers: ReadonlyMap<ClusterId, Peer>,
  isLost: (cluster: ClusterId) => boolean,
): boolean {
  const members = [...peers].filter(([, { kind }]) => kind !== "left");
  return members.length > 1 && members.every(([cluster]) => isLost(cluster));
}

/**
 * Which clusters are lost (design, decision 6; CLN-05, CLN-08). Only a broker that can be heard is a witness: while it
 * cannot, nothing is concluded and `before` stands (I7).
 */
export function judgePeers(facts: PeerFacts, before: Judgement): Judgement {
  const { peers, firstSyncedMs, isHeard, staleAfterMs, nowMs } = facts;
  if (!isHeard || firstSyncedMs === undefined) return { ...before, nextMs: undefined };
  const members = [...peers].filter(([, { kind }]) => kind !== "left");
  const unlistedMs = firstSyncedMs + staleAfterMs;
  const dueMs = members.flatMap(([, peer]) =>
    peer.kind === "disconnected" ? [peer.sinceMs + staleAfterMs] : [],
  );
  const lost = new Set(
    members.flatMap(([cluster, peer]) =>
      peer.kind === "disconnected" && peer.sinceMs + staleAfterMs <= nowMs ? [cluster] : [],
    ),
  );
  const ahead = [...dueMs, unlistedMs].filter((ms) => ms > nowMs && Number.isFinite(ms));
  return {
    lost,
    isUnlistedLost: unlistedMs <= nowMs,
    nextMs: ahead.length === 0 ? undefined : Math.min(...ahead),
  };
}
