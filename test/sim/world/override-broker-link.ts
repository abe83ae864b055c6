import type { BrokerLink } from "../../../broker/client/broker-link.ts";

/** The same link with some calls done otherwise. */
export function overrideBrokerLink(link: BrokerLink, calls: Partial<BrokerLink>): BrokerLink {
  return {
    setOwnRows: (...call) => link.setOwnRows(...call),
    markOwnComplete: () => link.markOwnComplete(),
    setNamespaces: (...call) => link.setNamespaces(...call),
    foreignRows: (...call) => link.foreignRows(...call),
    foreignServices: () => link.foreignServices(),
    hasSynced: (...call) => link.hasSynced(...call),
    isKnown: (...call) => link.isKnown(...call),
    peers: () => link.peers(),
    refusal: (...call) => link.refusal(...call),
    isStored: (...call) => link.isStored(...call),
    status: () => link.status(),
    subscribe: (...call) => link.subscribe(...call),
    ...calls,
  };
}
