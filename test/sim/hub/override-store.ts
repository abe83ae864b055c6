import type { Store } from "../../../broker/store/store.ts";

/** The same store with some calls done otherwise. */
export function overrideStore(store: Store, calls: Partial<Store>): Store {
  return {
    epoch: store.epoch,
    table: store.table,
    whereabouts: store.whereabouts,
    append: (...call) => store.append(...call),
    openSession: (...call) => store.openSession(...call),
    members: () => store.members(),
    putMember: (...call) => store.putMember(...call),
    removeMember: (...call) => store.removeMember(...call),
    subscribe: (...call) => store.subscribe(...call),
    health: () => store.health(),
    close: () => store.close(),
    ...calls,
  };
}
