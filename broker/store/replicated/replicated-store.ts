import type { ClusterId } from "../../../api/cluster-id.ts";
import { err, ok, type Result } from "../../../api/result.ts";
import type { Clock } from "../../../runtime/clock/clock.ts";
import type { Logger } from "../../../runtime/log/log.ts";
import type { Random } from "../../../runtime/random/random.ts";
import { BrokerTable } from "../../core/broker-table.ts";
import type { StoreRecord } from "../../core/store-record.ts";
import { LIMITS } from "../../wire/limits.ts";
import type { Departures } from "../departures/departures.ts";
import type { Following, Space, SpaceEvent, SpaceItem } from "../space/space.ts";
import type { StoreError, StoreHealth, StoreSession } from "../store.ts";
import { TableStore } from "../table-store.ts";
import { ClusterWriter } from "./cluster-writer.ts";
import type { FoldOutcome, HeardEntry } from "./fold-outcome.ts";
import { ItemNames } from "./item-names.ts";
import { LogCompactor, TAIL_ENTRIES } from "./log-compactor.ts";
import { recordBytes } from "./plan-compaction.ts";
import { ReplicaWhereabouts } from "./replica-whereabouts.ts";
import { SpaceFold } from "./space-fold.ts";

export interface ReplicatedStoreOptions {
  readonly epoch: string;
  /** This replica's, unlike any other's that lives; a DNS label. */
  readonly replica: string;
  /** @default LIMITS.tombstonesPerOwner */
  readonly tombstonesMax?: number;
  /** Entries after which a log is folded into parts. @default 64 */
  readonly tailEntries?: number;
}

export interface ReplicatedStoreDeps {
  /** Closed with the store. */
  readonly space: Space;
  /** Told of each departure before the space is; absent: a lost space forgets who left. */
  readonly departures?: Pick<Departures, "record">;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
}

/** In which a snapshot that was asked for comes; then it may be asked for again. */
const SNAPSHOT_MS = 60_000;

interface OwnSession {
  readonly id: string;
  readonly ending: AbortController;
  /** Its opening has been heard. */
  hasBegun: boolean;
}

/** A row at its limit, its key and versions. */
const MAX_RECORD_BYTES = LIMITS.rowBytes + 4096;

/**
 * A table that several broker processes share over a space. Each cluster has a log there; an entry is acknowledged
 * once it is in the space and this replica has heard of it, in the order in which every replica hears. The table
 * changes only by what is heard, so it is the same everywhere, sooner or later.
 */
export class ReplicatedStore extends TableStore {
  readonly epoch: string;
  override readonly whereabouts: ReplicaWhereabouts;
  readonly #deps: ReplicatedStoreDeps;
  readonly #replica: string;
  readonly #names: ItemNames;
  readonly #fold: SpaceFold;
  readonly #compactor: LogCompactor;
  readonly #following: Following;
  /** BOUNDED: by the clusters that ever joined. */
  readonly #writers = new Map<ClusterId, ClusterWriter>();
  /** The session of this replica, where it has the latest. BOUNDED: as #writers. */
  readonly #sessions = new Map<ClusterId, OwnSession>();
  #ids = 0;
  readonly #synced = Promise.withResolvers<void>();
  /** When another snapshot was asked for that has not come yet. */
  #doubtedMs: number | undefined;
  #lost: string | undefined;
  #writeFailure: string | undefined;
  #isClosed = false;

  /** Follows the space from now on. */
  constructor(options: ReplicatedStoreOptions, deps: ReplicatedStoreDeps) {
    const table = new BrokerTable(options.tombstonesMax);
    super(table);
    this.epoch = options.epoch;
    this.#replica = options.replica;
    this.#deps = deps;
    const names = new ItemNames(options.epoch);
    this.#names = names;
    this.#fold = new SpaceFold(options.epoch, names);
    const { space, clock, log } = deps;
    const newId = (): string => this.#newId();
    const onDoubt = (): void => this.#doubt();
    this.#compactor = new LogCompactor(
      { tailEntries: options.tailEntries ?? TAIL_ENTRIES },
      { space, names, table, log, newId },
    );
    this.whereabouts = new ReplicaWhereabouts({
      space,
      names,
      clock,
      id: options.replica,
      onDoubt,
      onHeard: () => this.#onOutcome(undefined),
    });
    this.#following = space.follow({
      snapshot: (items) => this.#hearSnapshot(items),
      changes: (events) => this.#hearChanges(events),
    });
  }

  /** Resolves when the table shows the space; to what is wrong, if it never will. */
  async synced(): Promise<Result<void, StoreError>> {
    await this.#synced.promise;
    if (this.#lost !== undefined) return err({ kind: "store-failed", text: this.#lost });
    this.whereabouts.start();
    return ok(undefined);
  }

  async append(records: readonly StoreRecord[]): Promise<Result<void, StoreError>> {
    const usable = this.#check(records);
    if (!usable.ok) return usable;
    // An empty append waits for all that this replica has on its way.
    if (records.length === 0) return this.#settle();
    const appends: Promise<Result<void, StoreError>>[] = [];
    for (const [cluster, ofCluster] of byCluster(records)) {
      const write = { session: "", opensSession: false, records: ofCluster };
      appends.push(this.#writer(cluster).append(write));
    }
    return firstFailure(appends);
  }

  override async openSession(cluster: ClusterId): Promise<Result<StoreSession, StoreError>> {
    const usable = this.#check([]);
    if (!usable.ok) return usable;
    const ending = this.replaceSession(cluster);
    const id = this.#newId();
    this.#sessions.set(cluster, { id, ending, hasBegun: false });
    const writer = this.#writer(cluster);
    const opened = await writer.append({ session: id, opensSession: true, records: [] });
    if (!opened.ok) return opened;
    return ok({
      replaced: ending.signal,
      append: async (records) => {
        const usable = this.#check(records);
        if (!usable.ok) return usable;
        return writer.append({ session: id, opensSession: false, records });
      },
    });
  }

  health(): StoreHealth {
    if (this.#isClosed) return { kind: "failed", reason: "store is closed" };
    if (this.#lost !== undefined) return { kind: "lost", reason: this.#lost };
    const reason = this.whereabouts.problem ?? this.#writeFailure;
    return reason === undefined ? { kind: "ok" } : { kind: "failed", reason };
  }

  async close(): Promise<void> {
    if (this.#isClosed) return;
    await this.#settle();
    this.#isClosed = true;
    await Promise.all([...this.#writers.values()].map((writer) => writer.close()));
    await this.#compactor.close();
    await this.whereabouts.close();
    await this.#following.stop();
    await this.#deps.space.close();
  }

  protected override async recordDeparture(
    cluster: ClusterId,
    incarnation: number,
  ): Promise<Result<void, StoreError>> {
    const recorded = await this.#deps.departures?.record(cluster, incarnation);
    return recorded === undefined || recorded.ok
      ? ok(undefined)
      : err({ kind: "store-failed", text: recorded.error });
  }

  #check(records: readonly StoreRecord[]): Result<void, StoreError> {
    if (this.#isClosed) {
      const text = "cannot append: store must be open: it is closed";
      return err({ kind: "store-closed", text });
    }
    if (this.#lost !== undefined) return err({ kind: "store-failed", text: this.#lost });
    const tooLarge = records.map(recordBytes).find((bytes) => bytes > MAX_RECORD_BYTES);
    if (tooLarge === undefined) return ok(undefined);
    const text = `cannot append: record must be at most ${MAX_RECORD_BYTES} bytes: got ${tooLarge}`;
    return err({ kind: "record-too-large", text });
  }

  #settle(): Promise<Result<void, StoreError>> {
    const busy = [...this.#writers.values()].filter(({ isIdle }) => !isIdle);
    const write = { session: "", opensSession: false, records: [] };
    return firstFailure(busy.map((writer) => writer.append(write)));
  }

  #writer(cluster: ClusterId): ClusterWriter {
    const known = this.#writers.get(cluster);
    if (known !== undefined) return known;
    const { space, clock, random } = this.#deps;
    const writer = new ClusterWriter({
      space,
      clock,
      random,
      names: this.#names,
      log: this.#fold.log(cluster),
      newId: () => this.#newId(),
      onDoubt: () => this.#doubt(),
      onOutcome: (failure) => this.#onOutcome(failure),
    });
    this.#writers.set(cluster, writer);
    return writer;
  }

  #onOutcome(failure: string | undefined): void {
    if (failure !== undefined && this.#writeFailure === undefined) {
      this.#deps.log.error("store cannot write", { reason: failure });
    }
    this.#writeFailure = failure;
  }

  #newId(): string {
    this.#ids += 1;
    return `${this.#replica}-${this.#ids}`;
  }

  #hearSnapshot(items: readonly SpaceItem[]): void {
    this.#doubtedMs = undefined;
    this.#hear(this.#fold.snapshot(items));
    this.#synced.resolve();
  }

  #hearChanges(events: readonly SpaceEvent[]): void {
    this.#hear(this.#fold.changes(events));
  }

  #hear(outcome: FoldOutcome): void {
    if (outcome.problem?.kind === "lost") this.#lose(outcome.problem.text);
    if (this.#lost !== undefined) return;
    this.applyDurable(outcome.records, outcome.forgotten);
    this.#endFrozen();
    this.#endSessions(outcome.entries);
    this.#tellWriters(outcome.entries);
    if (outcome.replicasChanged) this.whereabouts.heard(this.#fold.replicas);
    this.#compactor.remove(outcome.leftovers);
    for (const cluster of outcome.damaged) void this.#repair(cluster);
    if (outcome.problem?.kind === "missed") {
      this.#deps.log.warn("changes of the store missed", { reason: outcome.problem.text });
      this.#doubt();
    }
  }

  #tellWriters(entries: readonly HeardEntry[]): void {
    for (const [cluster, writer] of this.#writers) {
      if (writer.isIdle) continue;
      writer.heard(entries.filter((entry) => entry.cluster === cluster));
    }
    // Each replica tidies up after what it wrote itself.
    for (const { id, cluster } of entries) {
      if (id.startsWith(`${this.#replica}-`)) this.#compactor.schedule(this.#fold.log(cluster));
    }
  }

  /** What a revoked life has on its way here does not come after the word that froze its rows. */
  #endFrozen(): void {
    for (const cluster of this.#sessions.keys()) {
      if (this.table.member(cluster)?.frozenAtMs === undefined) continue;
      this.#fold.log(cluster).endSession();
    }
  }

  /** A session that this replica has heard to begin ends when another one is heard to. */
  #endSessions(entries: readonly HeardEntry[]): void {
    for (const { cluster, opensSession, session } of entries) {
      const own = this.#sessions.get(cluster);
      if (opensSession && own?.id === session) own.hasBegun = true;
    }
    for (const [cluster, { id, hasBegun, ending }] of this.#sessions) {
      if (!hasBegun || this.#fold.log(cluster).session === id) continue;
      this.#sessions.delete(cluster);
      ending.abort();
    }
  }

  /** Somebody has removed items of its log: the table still knows what was in them. */
  async #repair(cluster: ClusterId): Promise<void> {
    this.#deps.log.error("items of the store were removed: writing them anew", { cluster });
    const write = { session: "", opensSession: false, records: [], isForced: true };
    const touched = await this.#writer(cluster).append(write);
    if (touched.ok) this.#compactor.schedule(this.#fold.log(cluster), true);
  }

  #lose(reason: string): void {
    if (this.#lost !== undefined) return;
    this.#lost = reason;
    this.#deps.log.error("store lost", { reason });
    void this.whereabouts.stop();
    for (const { ending } of this.#sessions.values()) ending.abort();
    this.#synced.resolve();
  }

  /** Whoever doubts meanwhile waits for the same snapshot: begun anew again and again, a large one would never come. */
  #doubt(): void {
    const nowMs = this.#deps.clock.monotonicMs();
    const isUnderWay = this.#doubtedMs !== undefined && nowMs - this.#doubtedMs < SNAPSHOT_MS;
    if (this.#isClosed || isUnderWay) return;
    this.#doubtedMs = nowMs;
    this.#following.restart();
  }
}

function byCluster(records: readonly StoreRecord[]): ReadonlyMap<ClusterId, StoreRecord[]> {
  const clusters = new Map<ClusterId, StoreRecord[]>();
  for (const record of records) {
    const cluster = record.kind === "member" ? record.member.cluster : record.cluster;
    const known = clusters.get(cluster);
    if (known === undefined) clusters.set(cluster, [record]);
    else known.push(record);
  }
  return clusters;
}

/** One alone is handed on as it is: appends resolve in the order of their calls. */
function firstFailure(
  appends: readonly Promise<Result<void, StoreError>>[],
): Promise<Result<void, StoreError>> {
  const [only] = appends;
  if (only !== undefined && appends.length === 1) return only;
  return Promise.all(appends).then(
    (results) => results.find(({ ok: isOk }) => !isOk) ?? ok(undefined),
  );
}
