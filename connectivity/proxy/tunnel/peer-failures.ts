import type { ClusterId } from "../../../api/cluster-id.ts";

/** Reasons that are said of one peer, until it has a tunnel again: some name a time or a port, and are new each time. */
export const TOLD_MAX = 32;

interface Failures {
  /** Undefined: a tunnel has come up since. */
  latest: string | undefined;
  /** BOUNDED: by TOLD_MAX. */
  readonly told: Set<string>;
}

/** Why tunnels with a peer are not made: tried again every few seconds, and by several at once, each reason is to be said but once. */
export class PeerFailures {
  /** BOUNDED: by the members, and those whom the authority has made one and who are none any more. */
  readonly #peers = new Map<ClusterId, Failures>();

  latest(peer: ClusterId): string | undefined {
    return this.#peers.get(peer)?.latest;
  }

  /** We could make none. True: that has not been said. */
  failed(peer: ClusterId, reason: string): boolean {
    const failures = this.#of(peer);
    failures.latest = reason;
    return isNews(failures, reason);
  }

  /** The peer made one that we did not want. True: that has not been said. */
  refused(peer: ClusterId, reason: string): boolean {
    return isNews(this.#of(peer), `refused: ${reason}`);
  }

  /** There is a tunnel, or the peer is none any more. */
  forget(peer: ClusterId): void {
    this.#peers.delete(peer);
  }

  #of(peer: ClusterId): Failures {
    const known = this.#peers.get(peer) ?? { latest: undefined, told: new Set() };
    this.#peers.set(peer, known);
    return known;
  }
}

function isNews({ told }: Failures, reason: string): boolean {
  if (told.has(reason) || told.size >= TOLD_MAX) return false;
  told.add(reason);
  return true;
}
