import type { RowKey, ServiceRow } from "../../api/broker/row.ts";
import type { ClusterId } from "../../api/cluster-id.ts";
import type { ServiceKey } from "../../api/service-key.ts";
import type { Peer } from "./peer-table.ts";

/**
 * What a member's controllers see of the broker: own rows go in, everybody else's come out.
 * Calls never wait for the network and never fail: the link keeps the desired state and sends it when it can (I7).
 */
export interface BrokerLink {
  /** Replaces the rows this cluster owns for one service; an empty list withdraws them. */
  setOwnRows(service: ServiceKey, rows: readonly ServiceRow[]): void;

  /** Every own row is known now. Before this, no own row at the broker is withdrawn for being unknown here (I6). */
  markOwnComplete(): void;

  /** Namespaces whose rows are wanted: those that exist in this cluster (IMP-03). The whole set each time. */
  setNamespaces(namespaces: ReadonlySet<string>): void;

  /** Rows of other clusters for one service, as last known: kept through disconnections (I7). */
  foreignRows(service: ServiceKey): readonly ServiceRow[];

  /** Services with at least one foreign row. */
  foreignServices(): Iterable<ServiceKey>;

  /**
   * True once the broker has sent every owner's rows since this process started; stays true (I6). With a namespace:
   * once it has sent every owner's rows of it since the namespace was last wanted anew.
   */
  hasSynced(namespace?: string): boolean;

  /**
   * True when it is known which rows this cluster has: they have all been sent since this process started, or it is no
   * member any more. "Unknown is not none": nothing of an unknown cluster may be taken for withdrawn (I4). A cluster of
   * which the broker has never heard counts as known, to have nothing, after `FORGET_UNHEARD_MS`.
   */
  isKnown(cluster: ClusterId): boolean;

  /** The other clusters, as the broker last spoke of them in a session that has synced; kept through disconnections. */
  peers(): ReadonlyMap<ClusterId, Peer>;

  /** Own rows the broker did not store, and why; an entry leaves when its row changes or is stored. */
  refusal(key: RowKey): string | undefined;

  /** True when the row, as last set, is known to be stored durably by the broker. */
  isStored(key: RowKey): boolean;

  status(): LinkStatus;

  subscribe(listener: (event: LinkEvent) => void): () => void;
}

export type LinkEvent =
  /** Foreign rows of this service, or the fate of own ones (stored, refused), changed. */
  | { readonly kind: "service-changed"; readonly service: ServiceKey }
  /** `hasSynced` became true of these namespaces. */
  | { readonly kind: "synced"; readonly namespaces: ReadonlySet<string> }
  | { readonly kind: "connection-changed" }
  /** Network rows of others, or the fate of the own one, or the global addresses of this cluster (see NetworkLink). */
  | { readonly kind: "networks-changed" }
  /** The slices this cluster is in (see SliceLink). */
  | { readonly kind: "slices-changed" }
  /** `peers` or `isKnown` of these clusters changed, or the session has synced again. */
  | { readonly kind: "peers-changed"; readonly clusters: ReadonlySet<ClusterId> | "all" };

/**
 * Milliseconds after the first sync of a process until a cluster that the broker does not list is taken for one that has
 * nothing: a broker that lost its store hears from every living member long before.
 */
export const FORGET_UNHEARD_MS = 3_600_000;

export type LinkStatus =
  | { readonly kind: "connecting"; readonly attempt: number; readonly lastError?: string }
  | { readonly kind: "connected"; readonly synced: boolean; readonly members: readonly ClusterId[] }
  /** The broker refused this member for good (revoked, wrong clusterset): an admin must act. */
  | { readonly kind: "rejected"; readonly reason: string };
