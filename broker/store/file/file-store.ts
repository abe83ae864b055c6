import type { ClusterId } from "../../../api/cluster-id.ts";
import { err, ok, type Result } from "../../../api/result.ts";
import { backoffMs } from "../../../runtime/backoff/backoff.ts";
import type { Clock, Timer } from "../../../runtime/clock/clock.ts";
import type { Logger } from "../../../runtime/log/log.ts";
import type { Histogram, Meter } from "../../../runtime/metrics/meter.ts";
import type { Random } from "../../../runtime/random/random.ts";
import type { StoreRecord } from "../../core/store-record.ts";
import type { DepartureLedger } from "../departures/departure-ledger.ts";
import type { StoreError, StoreHealth } from "../store.ts";
import { TableStore } from "../table-store.ts";
import type { FolderLock } from "./folder-lock.ts";
import { MAX_PAYLOAD_BYTES } from "./log-frame.ts";
import { LogWriter, type PreparedLog } from "./log-writer.ts";
import { type OpenedLog, openLog, removeLeftovers } from "./open-log.ts";
import { encodeRecord, encodeRecords } from "./record-codec.ts";
import type { StoreFolder } from "./store-folder.ts";

export interface FileStoreOptions {
  /** A log is rewritten once it has grown by this and by its own size since the last time. @default 16 MiB */
  readonly compactBytes?: number;
}

export interface FileStoreDeps {
  readonly folder: StoreFolder;
  /** Held by whoever opened the folder; released when the store has closed. */
  readonly lock: FolderLock;
  /** Told of each departure before the log is; absent: a lost log forgets who left. */
  readonly departures?: Pick<DepartureLedger, "record">;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
  readonly meter: Meter;
}

interface Waiting {
  readonly records: readonly StoreRecord[];
  readonly payloads: readonly Uint8Array[];
  readonly resolve: (result: Result<void, StoreError>) => void;
}

const DEFAULT_COMPACT_BYTES = 16 * 1024 * 1024;
/** Written and synced at once: whatever waits, up to this. */
const GROUP_BYTES = 8 * 1024 * 1024;
/** A write that takes longer than any disk that works: the broker is not ready meanwhile. */
const HANGING_MS = 10_000;
const RETRY = { firstMs: 1000, maxMs: 30_000 };

/**
 * Rows and members in an append-only log: a record is acknowledged, and shown in the table, once it is synced.
 * Whatever waits while the disk is busy is written together. After a failed write nothing that the file may
 * hold is trusted: the store refuses everything until it has written its whole table to a new file.
 */
export class FileStore extends TableStore {
  readonly epoch: string;
  readonly #deps: FileStoreDeps;
  readonly #compactBytes: number;
  readonly #syncSeconds: Histogram;
  #writer: LogWriter | undefined;
  #generation: number;
  #compactAtBytes: number;
  /** BOUNDED: by what each session may have on its way (LIMITS.unstoredWrites), and joins. */
  #waiting: Waiting[] = [];
  #work: Promise<void> | undefined;
  #failure: string | undefined;
  /** Of the write that is under way. */
  #writingSinceMs: number | undefined;
  #retries = 0;
  #retryTimer: Timer | undefined;
  #isClosed = false;

  private constructor(options: FileStoreOptions, deps: FileStoreDeps, opened: OpenedLog) {
    super(opened.table);
    this.epoch = opened.epoch;
    this.#deps = deps;
    this.#compactBytes = options.compactBytes ?? DEFAULT_COMPACT_BYTES;
    this.#writer = opened.writer;
    this.#generation = opened.writer.generation;
    this.#compactAtBytes = this.#nextCompaction(opened.writer.baseBytes);
    this.#syncSeconds = deps.meter.histogram({
      name: "isthmus_broker_store_sync_seconds",
      help: "Writing and syncing one group of records.",
      buckets: [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.1, 0.5, 2],
    });
  }

  /** The caller holds the folder's lock. Error: the folder cannot be used, or its log is of a later format. */
  static async open(
    options: FileStoreOptions,
    deps: FileStoreDeps,
  ): Promise<Result<FileStore, StoreError>> {
    try {
      const opened = await openLog(deps.folder, deps.log);
      return opened.ok
        ? ok(new FileStore(options, deps, opened.value))
        : err({ kind: "store-failed", text: opened.error });
    } catch (error) {
      return err({ kind: "store-failed", text: `cannot open store: ${textOf(error)}` });
    }
  }

  async append(records: readonly StoreRecord[]): Promise<Result<void, StoreError>> {
    if (this.#isClosed) {
      const text = "cannot append: store must be open: it is closed";
      return err({ kind: "store-closed", text });
    }
    if (this.#failure !== undefined) return err({ kind: "store-failed", text: this.#failure });
    const payloads = records.map(encodeRecord);
    const tooLarge = payloads.find(({ length }) => length > MAX_PAYLOAD_BYTES);
    if (tooLarge !== undefined) {
      const text = `cannot append: record must be at most ${MAX_PAYLOAD_BYTES} bytes: got ${tooLarge.length}`;
      return err({ kind: "record-too-large", text });
    }
    return new Promise((resolve) => {
      this.#waiting.push({ records, payloads, resolve });
      this.#work ??= this.#writeWaiting();
    });
  }

  health(): StoreHealth {
    if (this.#isClosed) return { kind: "failed", reason: "store is closed" };
    const reason = this.#failure ?? this.#hanging();
    return reason === undefined ? { kind: "ok" } : { kind: "failed", reason };
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    this.#retryTimer?.cancel();
    await this.#work;
    await this.#closeWriter();
    this.#deps.lock.release();
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

  /** Writes group after group until nothing waits. Never rejects. */
  async #writeWaiting(): Promise<void> {
    // The caller's turn first: what is appended in one go is one group.
    await Promise.resolve();
    while (this.#waiting.length > 0) {
      const group = takeGroup(this.#waiting);
      this.#waiting = this.#waiting.slice(group.length);
      try {
        await this.#write(group.flatMap(({ payloads }) => payloads));
      } catch (error) {
        await this.#fail(error, group);
        continue;
      }
      this.applyDurable(group.flatMap(({ records }) => records));
      for (const { resolve } of group) resolve(ok(undefined));
      await this.#compactWhenDue();
    }
    this.#work = undefined;
  }

  async #write(payloads: readonly Uint8Array[]): Promise<void> {
    if (payloads.length === 0) return;
    if (this.#writer === undefined) throw new Error(this.#failure ?? "no log is open");
    const startMs = this.#deps.clock.monotonicMs();
    this.#writingSinceMs = startMs;
    try {
      await this.#writer.append(payloads);
    } finally {
      this.#writingSinceMs = undefined;
    }
    this.#syncSeconds.observe((this.#deps.clock.monotonicMs() - startMs) / 1000);
  }

  #hanging(): string | undefined {
    if (this.#writingSinceMs === undefined) return undefined;
    const forMs = this.#deps.clock.monotonicMs() - this.#writingSinceMs;
    if (forMs < HANGING_MS) return undefined;
    return `cannot write store: a write must take at most ${HANGING_MS} ms: one is under way for ${Math.round(forMs)} ms`;
  }

  /** Nobody is told that anything of the group is stored; what waits behind it fails too, in order. */
  async #fail(error: unknown, group: readonly Waiting[] = []): Promise<void> {
    const text = textOf(error);
    this.#failure = `cannot write store: ${text}`;
    this.#deps.log.error("store cannot write", { err: error });
    const failed = [...group, ...this.#waiting];
    this.#waiting = [];
    for (const { resolve } of failed) resolve(err({ kind: "store-failed", text: this.#failure }));
    await this.#closeWriter();
    this.#scheduleRetry();
  }

  #scheduleRetry(): void {
    if (this.#isClosed) return;
    const delayMs = backoffMs(RETRY, this.#retries++, this.#deps.random);
    this.#retryTimer = this.#deps.clock.setTimer(delayMs, () => {
      this.#work ??= this.#recover();
    });
  }

  /** Back in business once the whole table is in a file of its own. Never rejects. */
  async #recover(): Promise<void> {
    try {
      const prepared = await this.#prepareRewrite();
      await this.#adopt(await prepared.publish());
      this.#failure = undefined;
      this.#retries = 0;
      this.#deps.log.info("store writes again");
    } catch (error) {
      this.#failure = `cannot write store: ${textOf(error)}`;
      this.#scheduleRetry();
    }
    this.#work = undefined;
  }

  async #compactWhenDue(): Promise<void> {
    if (this.#writer === undefined || this.#writer.bytes < this.#compactAtBytes) return;
    let prepared: PreparedLog;
    try {
      prepared = await this.#prepareRewrite();
    } catch (error) {
      // The present log is as good as before: tried again when it has grown further.
      this.#compactAtBytes = this.#nextCompaction(this.#writer.bytes);
      this.#deps.log.warn("store log not compacted", { err: error });
      return;
    }
    try {
      await this.#adopt(await prepared.publish());
    } catch (error) {
      // Which of the two logs a restart would find is unknown: neither may be appended to.
      await this.#fail(error);
    }
  }

  /** The table does not change meanwhile: only the one who writes applies records. */
  #prepareRewrite(): Promise<PreparedLog> {
    this.#generation += 1;
    const payloads = encodeRecords(this.snapshot());
    return LogWriter.prepare(this.#deps.folder, this.#generation, this.epoch, payloads);
  }

  async #adopt(writer: LogWriter): Promise<void> {
    await this.#closeWriter();
    this.#writer = writer;
    this.#compactAtBytes = this.#nextCompaction(writer.baseBytes);
    await removeLeftovers(this.#deps.folder, writer.generation).catch((error: unknown) => {
      this.#deps.log.warn("old store log not removed", { err: error });
    });
  }

  #nextCompaction(bytes: number): number {
    return bytes + Math.max(bytes, this.#compactBytes);
  }

  async #closeWriter(): Promise<void> {
    const writer = this.#writer;
    this.#writer = undefined;
    await writer?.close().catch((error: unknown) => {
      this.#deps.log.warn("store log not closed", { err: error });
    });
  }
}

function takeGroup(waiting: readonly Waiting[]): readonly Waiting[] {
  let bytes = 0;
  let count = 0;
  for (const { payloads } of waiting) {
    for (const payload of payloads) bytes += payload.length;
    if (count > 0 && bytes > GROUP_BYTES) break;
    count += 1;
  }
  return waiting.slice(0, count);
}

function textOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
