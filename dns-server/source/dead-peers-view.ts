import type { KubeObject } from "../../api/kube/object.ts";
import { parsePeer } from "../../api/network/parse-network-objects.ts";
import type { ObjectView } from "../../runtime/kube/object-view.ts";
import type { DeadPeers } from "./zone-source.ts";

/**
 * Peers that are proved dead, by their status. When all of two or more are, it is this cluster that is cut off, as far as
 * anybody can tell, and none counts as dead (design, decision 6).
 */
export class DeadPeersView implements DeadPeers {
  readonly #peers: ObjectView<KubeObject>;
  /** BOUNDED: by the parts of the program that subscribe. */
  readonly #listeners = new Set<(peers: ReadonlySet<string>) => void>();
  #current: ReadonlySet<string>;

  constructor(peers: ObjectView<KubeObject>) {
    this.#peers = peers;
    this.#current = deadOf(peers);
    peers.subscribe(() => this.#update());
  }

  get current(): ReadonlySet<string> {
    return this.#current;
  }

  subscribe(listener: (peers: ReadonlySet<string>) => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  #update(): void {
    const before = this.#current;
    this.#current = deadOf(this.#peers);
    const now = this.#current;
    const changed = new Set([
      ...[...before].filter((peer) => !now.has(peer)),
      ...[...now].filter((peer) => !before.has(peer)),
    ]);
    if (changed.size === 0) return;
    for (const listener of this.#listeners) listener(changed);
  }
}

function deadOf(peers: ObjectView<KubeObject>): ReadonlySet<string> {
  const dead = [...peers.values()].flatMap((object) => {
    const parsed = parsePeer(object);
    return parsed.ok && parsed.value.status?.dead === true ? [object.metadata.name] : [];
  });
  return peers.size > 1 && dead.length === peers.size ? new Set() : new Set(dead);
}
