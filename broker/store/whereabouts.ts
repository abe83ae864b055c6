import type { ClusterId } from "../../api/cluster-id.ts";

/**
 * Small facts that replicas tell each other and that need not outlive them: whose streams they hold. Apart from rows:
 * nothing here is durable, and a replica that dies takes its facts with it within a bound.
 */
export interface Whereabouts {
  /** The members whose streams this replica holds now; the other replicas know within seconds. */
  publish(members: readonly PresentMember[]): void;
  /** Members whose streams other living replicas hold, as far as they have said. */
  elsewhere(): ReadonlyMap<ClusterId, PresentMember>;
  /** Called when `elsewhere` may have changed. Returns the unsubscribe. */
  subscribe(listener: () => void): () => void;
}

export interface PresentMember {
  readonly cluster: ClusterId;
  readonly incarnation: number;
}

/** Of a store that one process has for itself. */
export const ALONE: Whereabouts = {
  publish: () => undefined,
  elsewhere: () => new Map(),
  subscribe: () => () => undefined,
};
