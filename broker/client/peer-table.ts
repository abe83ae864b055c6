import {
  MemberPresence_State,
  type Presence as PresenceMessage,
} from "../../api/broker/broker.gen.ts";
import { type ClusterId, parseClusterId } from "../../api/cluster-id.ts";
import { err, ok, type Result } from "../../api/result.ts";
import { LIMITS } from "../wire/limits.ts";

/** Another cluster of the clusterset, as the broker last spoke of it. */
export type Peer =
  | { readonly kind: "connected" }
  /** `sinceMs`: monotonic time here from which it has had no stream, as far as the broker knows. */
  | { readonly kind: "disconnected"; readonly sinceMs: number }
  /** It was a member and is none any more: it has no rows. */
  | { readonly kind: "left" };

/** What the broker says of who is in the clusterset. Kept through disconnections, replaced as a whole. */
export class PeerTable {
  /** BOUNDED: by LIMITS.knownOwners. */
  #peers = new Map<ClusterId, Peer>();

  get(cluster: ClusterId): Peer | undefined {
    return this.#peers.get(cluster);
  }

  all(): ReadonlyMap<ClusterId, Peer> {
    return this.#peers;
  }

  /** Returns the clusters of which something else is known now. Error: it makes no sense. */
  take({ whole, members }: PresenceMessage, nowMs: number): Result<ReadonlySet<ClusterId>, string> {
    const before = this.#peers;
    const peers = whole ? new Map<ClusterId, Peer>() : new Map(before);
    for (const { clusterId, state, disconnectedMs } of members) {
      const cluster = parseClusterId(clusterId);
      if (!cluster.ok) return cluster;
      const peer = peerOf(state, nowMs - disconnectedMs);
      // A newer broker's word for something that is not known here: nothing is concluded from it.
      if (peer === undefined) peers.delete(cluster.value);
      else peers.set(cluster.value, peer);
    }
    if (peers.size > LIMITS.knownOwners) {
      return err(`clusters must be at most ${LIMITS.knownOwners}: got ${peers.size}`);
    }
    this.#peers = peers;
    const touched = new Set<ClusterId>(members.map(({ clusterId }) => clusterId as ClusterId));
    if (whole) for (const cluster of before.keys()) touched.add(cluster);
    return ok(touched);
  }
}

/** Undefined for a state that only a newer broker knows: on the wire it is any number. */
function peerOf(state: MemberPresence_State, sinceMs: number): Peer | undefined {
  if (state === MemberPresence_State.CONNECTED) return { kind: "connected" };
  // Nobody waits for it, and nobody may conclude from its silence that its pods are gone.
  if (state === MemberPresence_State.FROZEN) return { kind: "connected" };
  if (state === MemberPresence_State.DISCONNECTED) return { kind: "disconnected", sinceMs };
  return state === MemberPresence_State.LEFT ? { kind: "left" } : undefined;
}
