import type { ClusterId } from "../../api/cluster-id.ts";
import type { Result } from "../../api/result.ts";
import type { TableView } from "../core/broker-table.ts";
import type { MemberRecord } from "../core/member-record.ts";
import type { StoreRecord } from "../core/store-record.ts";
import type { Whereabouts } from "./whereabouts.ts";

/**
 * Durable state of the broker: rows and members. `table` shows only what is durable, so whoever reads it
 * may show it to others; appending is the one way to change it.
 */
export interface Store {
  /** Random identity of this store's contents, made when it was created empty: resume vectors are valid only within it. */
  readonly epoch: string;

  readonly table: TableView;

  /** Resolves once the records are durable and applied to `table`, in the order of the calls. */
  append(records: readonly StoreRecord[]): Promise<Result<void, StoreError>>;

  /**
   * Begins to write for one owner, in the place of whatever stream did so before, in this replica or another. Resolves
   * when `table` shows all that was acknowledged anywhere until then: what a member was told elsewhere is known here too.
   */
  openSession(cluster: ClusterId): Promise<Result<StoreSession, StoreError>>;

  /** Who is connected where, among the replicas of this store. */
  readonly whereabouts: Whereabouts;

  members(): readonly MemberRecord[];
  putMember(member: MemberRecord): Promise<Result<void, StoreError>>;
  /** The cluster leaves: its rows go, and certificates of this incarnation or earlier no longer connect. */
  removeMember(cluster: ClusterId): Promise<Result<void, StoreError>>;

  /** Called after each group of records was applied, with the clusters that they are about. */
  subscribe(listener: (changed: ReadonlySet<ClusterId>) => void): () => void;

  health(): StoreHealth;

  /** Finishes what was appended, then releases files and lock. Idempotent. */
  close(): Promise<void>;
}

/** One member's way to write. */
export interface StoreSession {
  /** As Store.append. Error kind "replaced": a later session has begun: nothing of this one will be stored any more. */
  append(records: readonly StoreRecord[]): Promise<Result<void, StoreError>>;
  /** Aborts when this replica learns that a later session has begun. */
  readonly replaced: AbortSignal;
}

export interface StoreError {
  readonly kind: "store-failed" | "store-closed" | "record-too-large" | "replaced";
  /** What failed, the rule, the value seen. */
  readonly text: string;
}

export type StoreHealth =
  | { readonly kind: "ok" }
  | { readonly kind: "failed"; readonly reason: string }
  /** The contents are not those that this process knows: only a restart helps. */
  | { readonly kind: "lost"; readonly reason: string };
