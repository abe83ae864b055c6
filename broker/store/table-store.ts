import type { ClusterId } from "../../api/cluster-id.ts";
import { err, ok, type Result } from "../../api/result.ts";
import { BrokerTable, type TableView } from "../core/broker-table.ts";
import type { MemberRecord } from "../core/member-record.ts";
import type { StoreRecord } from "../core/store-record.ts";
import type { Store, StoreError, StoreHealth, StoreSession } from "./store.ts";
import { ALONE, type Whereabouts } from "./whereabouts.ts";

/** What every adapter shares: the table in memory and who is told of its changes. Adapters make records durable. */
export abstract class TableStore implements Store {
  abstract readonly epoch: string;
  readonly #table: BrokerTable;
  /** BOUNDED: by the parts of the broker that subscribe. */
  readonly #listeners = new Set<(changed: ReadonlySet<ClusterId>) => void>();
  /** Ends the session of a cluster. BOUNDED: by the clusters that connected. */
  readonly #sessions = new Map<ClusterId, AbortController>();

  constructor(table: BrokerTable = new BrokerTable()) {
    this.#table = table;
  }

  get table(): TableView {
    return this.#table;
  }

  readonly whereabouts: Whereabouts = ALONE;

  abstract append(records: readonly StoreRecord[]): Promise<Result<void, StoreError>>;
  abstract health(): StoreHealth;
  abstract close(): Promise<void>;

  async openSession(cluster: ClusterId): Promise<Result<StoreSession, StoreError>> {
    const ending = this.replaceSession(cluster);
    // Appending nothing waits for what an earlier session has on its way. Who only reads needs no store that writes.
    const settled = await this.append([]);
    if (!settled.ok && settled.error.kind !== "store-failed") return settled;
    return ok({
      replaced: ending.signal,
      append: (records) =>
        ending.signal.aborted ? Promise.resolve(err(replacedError(cluster))) : this.append(records),
    });
  }

  members(): readonly MemberRecord[] {
    return this.#table.members();
  }

  putMember(member: MemberRecord): Promise<Result<void, StoreError>> {
    return this.append([{ kind: "member", member }]);
  }

  async removeMember(cluster: ClusterId): Promise<Result<void, StoreError>> {
    const member = this.#table.member(cluster)?.incarnation ?? -1;
    const owner = this.#table.owner(cluster)?.incarnation ?? -1;
    const incarnation = Math.max(member, owner);
    if (incarnation < 0) return ok(undefined);
    const recorded = await this.recordDeparture(cluster, incarnation);
    if (!recorded.ok) return recorded;
    return this.append([{ kind: "gone", cluster, incarnation }]);
  }

  subscribe(listener: (changed: ReadonlySet<ClusterId>) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Ends the present session of a cluster, if there is one; returns what ends the next. */
  protected replaceSession(cluster: ClusterId): AbortController {
    this.#sessions.get(cluster)?.abort();
    const ending = new AbortController();
    this.#sessions.set(cluster, ending);
    return ending;
  }

  /** For adapters that keep departures elsewhere too; a failure keeps the member. */
  protected async recordDeparture(
    _cluster: ClusterId,
    _incarnation: number,
  ): Promise<Result<void, StoreError>> {
    return ok(undefined);
  }

  /** Shows durable records in the table, then tells of them once. Clusters to be forgotten start over with them. */
  protected applyDurable(
    records: Iterable<StoreRecord>,
    forgotten: ReadonlySet<ClusterId> = new Set(),
  ): void {
    const changed = new Set(forgotten);
    for (const cluster of forgotten) this.#table.forget(cluster);
    for (const record of records) {
      if (!this.#table.apply(record)) continue;
      changed.add(record.kind === "member" ? record.member.cluster : record.cluster);
    }
    if (changed.size === 0) return;
    for (const listener of this.#listeners) listener(changed);
  }

  protected snapshot(): IterableIterator<StoreRecord> {
    return this.#table.snapshot();
  }
}

export function replacedError(cluster: ClusterId): StoreError {
  const text = `only the latest stream of ${cluster} may write: another was opened`;
  return { kind: "replaced", text };
}
