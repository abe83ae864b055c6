import type { ClusterId } from "../../../api/cluster-id.ts";
import type { Logger } from "../../../runtime/log/log.ts";
import type { DialSlot } from "./dial-slot.ts";
import { MAX_TUNNELS } from "./peer-tunnels.ts";

/** Where each peer's proxies listen, `host:port`; empty: they only dial out. */
export type PeerEndpoints = ReadonlyMap<ClusterId, readonly string[]>;

/** Tunnels that are dialled to one peer. The other half of what it may have is for those that it dials. */
export const DIALLED_MAX = MAX_TUNNELS / 2;

interface Deps {
  readonly make: (peer: ClusterId, place: string) => DialSlot;
  readonly log: Logger;
}

/** Of one peer. */
interface Places {
  /** Tunnels to each place. */
  readonly each: number;
  /** By place. BOUNDED: by DIALLED_MAX. */
  readonly slots: ReadonlyMap<string, readonly DialSlot[]>;
}

/** Keeps tunnels to each place where peers listen: as many as asked for, or as each place of a peer can have. */
export class PlaceSlots {
  readonly #asked: number;
  readonly #deps: Deps;
  /** BOUNDED: by the members. */
  readonly #peers = new Map<ClusterId, Places>();

  /** @param asked tunnels to each place */
  constructor(asked: number, deps: Deps) {
    this.#asked = asked;
    this.#deps = deps;
  }

  /** From now on to these. Tunnels to others, and those that are too many, take no more streams. */
  set(peers: PeerEndpoints): void {
    for (const [peer, { slots }] of this.#peers) {
      if (peers.has(peer)) continue;
      this.#peers.delete(peer);
      for (const slot of [...slots.values()].flat()) slot.stop();
    }
    for (const [peer, places] of peers) {
      this.#peers.set(peer, this.#follow(peer, this.#peers.get(peer), places));
    }
  }

  renew(): void {
    for (const { slots } of this.#peers.values()) {
      for (const slot of [...slots.values()].flat()) slot.renew();
    }
  }

  #follow(peer: ClusterId, had: Places | undefined, endpoints: readonly string[]): Places {
    const places = [...new Set(endpoints)].slice(0, DIALLED_MAX);
    const each = tunnelsToEach(this.#asked, places.length);
    if (each < this.#asked && each !== had?.each) {
      const facts = { peer, asked: this.#asked, made: each, places: endpoints.length };
      this.#deps.log.warn("fewer tunnels to each place than asked for", {
        ...facts,
        max: DIALLED_MAX,
      });
    }
    const slots = new Map<string, readonly DialSlot[]>();
    for (const place of places) {
      const kept = had?.slots.get(place)?.slice(0, each) ?? [];
      const more = Array.from({ length: each - kept.length }, () => this.#deps.make(peer, place));
      slots.set(place, [...kept, ...more]);
      for (const slot of more) slot.start();
    }
    const stay = new Set([...slots.values()].flat());
    for (const slot of [...(had?.slots.values() ?? [])].flat()) {
      if (!stay.has(slot)) slot.stop();
    }
    return { each, slots };
  }
}

/** So many tunnels to each of a peer's places that they are no more than DIALLED_MAX in all; one at least. */
export function tunnelsToEach(asked: number, places: number): number {
  return Math.max(1, Math.min(asked, Math.floor(DIALLED_MAX / Math.max(1, places))));
}
