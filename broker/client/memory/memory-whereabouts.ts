import type { ClusterId } from "../../../api/cluster-id.ts";
import type { Store } from "../../store/store.ts";
import type { PresentMember, Whereabouts } from "../../store/whereabouts.ts";

/** What several hubs over one store in one process tell each other of their streams, at once. */
export class MemoryWhereabouts {
  /** By replica. BOUNDED: by the replicas. */
  readonly #members = new Map<number, readonly PresentMember[]>();
  /** BOUNDED: by the hubs. */
  readonly #listeners = new Set<() => void>();

  /** The store as this replica's hub sees it. */
  storeOf(store: Store, replica: number): Store {
    return {
      epoch: store.epoch,
      table: store.table,
      whereabouts: this.#of(replica),
      append: (records) => store.append(records),
      openSession: (cluster) => store.openSession(cluster),
      members: () => store.members(),
      putMember: (member) => store.putMember(member),
      removeMember: (cluster) => store.removeMember(cluster),
      subscribe: (listener) => store.subscribe(listener),
      health: () => store.health(),
      close: () => store.close(),
    };
  }

  /** A replica is down: what it said is void. */
  forget(replica: number): void {
    if (this.#members.delete(replica)) this.#tell();
  }

  #of(replica: number): Whereabouts {
    return {
      publish: (members) => {
        this.#members.set(replica, members);
        this.#tell();
      },
      elsewhere: () => {
        const found = new Map<ClusterId, PresentMember>();
        for (const [other, members] of this.#members) {
          if (other === replica) continue;
          for (const member of members) found.set(member.cluster, member);
        }
        return found;
      },
      subscribe: (listener) => {
        this.#listeners.add(listener);
        return () => void this.#listeners.delete(listener);
      },
    };
  }

  #tell(): void {
    for (const listener of this.#listeners) listener();
  }
}
