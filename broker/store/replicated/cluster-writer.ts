import type { ClusterId } from "../../../api/cluster-id.ts";
import { err, ok, type Result } from "../../../api/result.ts";
import { backoffMs } from "../../../runtime/backoff/backoff.ts";
import type { Clock, Timer } from "../../../runtime/clock/clock.ts";
import type { Random } from "../../../runtime/random/random.ts";
import type { StoreRecord } from "../../core/store-record.ts";
import type { Space } from "../space/space.ts";
import type { StoreError } from "../store.ts";
import { replacedError } from "../table-store.ts";
import type { ClusterLog } from "./cluster-log.ts";
import type { HeardEntry } from "./fold-outcome.ts";
import { encodeEntry } from "./item-codec.ts";
import type { ItemNames } from "./item-names.ts";
import { recordBytes } from "./plan-compaction.ts";
import { summarize } from "./summarize.ts";

/** Something to be appended to one cluster's log. */
export interface LogWrite {
  /** Empty: nobody's session: may write always. */
  readonly session: string;
  readonly opensSession: boolean;
  readonly records: readonly StoreRecord[];
  /** Written even without records. */
  readonly isForced?: boolean;
}

interface Waiting extends LogWrite {
  readonly resolve: (result: Result<void, StoreError>) => void;
}

interface Deps {
  readonly space: Space;
  readonly names: ItemNames;
  readonly log: ClusterLog;
  readonly clock: Clock;
  readonly random: Random;
  /** Text that nobody else makes. */
  readonly newId: () => string;
  /** An entry that was written is not heard of. */
  readonly onDoubt: () => void;
  /** Entries have been appended, or could not be: the reason. */
  readonly onOutcome: (failure: string | undefined) => void;
}

/** Until a write is given up: its outcome is then unknown. */
const WRITE_MS = 15_000;
/** In which a written entry must be heard of; then the follower is doubted. */
const HEAR_MS = 3000;
const RETRY = { firstMs: 50, maxMs: 2000 };
/** Of the records in one entry. */
export const ENTRY_BYTES = 700_000;

type Heard = "mine" | "other" | "nothing";

/**
 * Appends to one cluster's log, one entry at a time: at the next index, which only one replica can take. Whatever
 * waits meanwhile goes into the next entry. An entry counts once this replica has heard of it in the space's order.
 */
export class ClusterWriter {
  readonly #cluster: ClusterId;
  readonly #deps: Deps;
  /** BOUNDED: by what each session may have on its way (LIMITS.unstoredWrites), and joins. */
  #waiting: Waiting[] = [];
  #work: Promise<void> | undefined;
  #attempt: { index: number; id: string; settle: (heard: Heard) => void } | undefined;
  #isClosed = false;

  constructor(deps: Deps) {
    this.#cluster = deps.log.cluster;
    this.#deps = deps;
  }

  get isIdle(): boolean {
    return this.#work === undefined;
  }

  append(write: LogWrite): Promise<Result<void, StoreError>> {
    return new Promise((resolve) => {
      this.#waiting.push({ ...write, resolve });
      this.#work ??= this.#writeWaiting();
    });
  }

  /** To be told of what was heard of this cluster's log, after the table shows it. */
  heard(entries: readonly HeardEntry[]): void {
    const attempt = this.#attempt;
    if (attempt === undefined) return;
    if (entries.some(({ id, isVoid }) => id === attempt.id && !isVoid)) attempt.settle("mine");
    else if (this.#deps.log.next > attempt.index) attempt.settle("other");
  }

  /** What waits fails, what is under way ends soon. */
  async close(): Promise<void> {
    this.#isClosed = true;
    this.#attempt?.settle("nothing");
    await this.#work;
  }

  /** Never rejects. */
  async #writeWaiting(): Promise<void> {
    // The caller's turn first: what is appended in one go is one entry.
    await Promise.resolve();
    while (this.#waiting.length > 0) {
      const group = takeGroup(this.#waiting);
      this.#waiting = this.#waiting.slice(group.length);
      const result = await this.#write(group);
      for (const { resolve } of group) resolve(result);
    }
    this.#work = undefined;
  }

  async #write(group: readonly Waiting[]): Promise<Result<void, StoreError>> {
    const [first] = group;
    const records = group.flatMap((waiting) => waiting.records);
    if (first === undefined) return ok(undefined);
    const { session, opensSession } = first;
    const isForced = group.some((waiting) => waiting.isForced);
    if (records.length === 0 && !opensSession && !isForced) return this.#checkSession(first);
    const id = this.#deps.newId();
    const data = encodeEntry({ id, session, opensSession, records });
    const about = summarize("log", this.#cluster, records);
    const untilMs = this.#deps.clock.monotonicMs() + WRITE_MS;
    let reason = "no answer";
    for (let attempt = 0; ; attempt++) {
      const allowed = this.#checkSession(first);
      if (!allowed.ok) return allowed;
      if (this.#isClosed) return closed();
      if (this.#deps.clock.monotonicMs() >= untilMs) return this.#failed(reason);
      const index = this.#deps.log.next;
      const hearing = this.#hear(index, id);
      const write = { name: this.#deps.names.log(this.#cluster, index), data, about };
      const created = await this.#deps.space.create(write);
      if (!created.ok && created.error.kind === "refused") {
        hearing.stop();
        return this.#failed(created.error.text);
      }
      const isAnswered = created.ok || created.error.kind === "conflict";
      if (!created.ok && !isAnswered) reason = created.error.text;
      const waitMs = isAnswered ? HEAR_MS : backoffMs(RETRY, attempt, this.#deps.random);
      const heard = await hearing.within(waitMs);
      if (heard === "mine") {
        this.#deps.onOutcome(undefined);
        return ok(undefined);
      }
      if (heard === "nothing" && isAnswered) {
        reason = "what was written is not heard of";
        this.#deps.onDoubt();
      }
    }
  }

  /** A later session, of this replica or another, ends this one for good. */
  #checkSession({ session, opensSession }: LogWrite): Result<void, StoreError> {
    if (session === "" || opensSession || this.#deps.log.session === session) return ok(undefined);
    return err(replacedError(this.#cluster));
  }

  #failed(reason: string): Result<never, StoreError> {
    const text = `cannot write store: ${reason}`;
    this.#deps.onOutcome(text);
    return err({ kind: "store-failed", text });
  }

  /** From now on, lest it is heard before the answer comes. */
  #hear(
    index: number,
    id: string,
  ): { readonly within: (ms: number) => Promise<Heard>; readonly stop: () => void } {
    let timer: Timer | undefined;
    const heard = new Promise<Heard>((resolve) => {
      this.#attempt = { index, id, settle: resolve };
    });
    const stop = (): void => {
      timer?.cancel();
      this.#attempt?.settle("nothing");
      this.#attempt = undefined;
    };
    const within = async (ms: number): Promise<Heard> => {
      timer = this.#deps.clock.setTimer(ms, () => this.#attempt?.settle("nothing"));
      const outcome = await heard;
      stop();
      return outcome;
    };
    return { within, stop };
  }
}

function closed(): Result<never, StoreError> {
  const text = "cannot append: store must be open: it is closed";
  return err({ kind: "store-closed", text });
}

/** What may go into one entry: of one session, and not too much. An opening goes alone. */
function takeGroup(waiting: readonly Waiting[]): readonly Waiting[] {
  const [first] = waiting;
  let bytes = 0;
  let count = 0;
  for (const { session, opensSession, records } of waiting) {
    if (count > 0 && (session !== first?.session || opensSession)) break;
    for (const record of records) bytes += recordBytes(record);
    if (count > 0 && bytes > ENTRY_BYTES) break;
    count += 1;
    if (opensSession) break;
  }
  return waiting.slice(0, count);
}
