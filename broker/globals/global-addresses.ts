import type { ClusterId } from "../../api/cluster-id.ts";
import type { Cidr } from "../../api/network/cidr.ts";
import { err, ok, type Result } from "../../api/result.ts";
import { backoffMs } from "../../runtime/backoff/backoff.ts";
import type { Clock } from "../../runtime/clock/clock.ts";
import { sleep } from "../../runtime/clock/sleep.ts";
import type { Logger } from "../../runtime/log/log.ts";
import type { Random } from "../../runtime/random/random.ts";
import type { TableView } from "../core/broker-table.ts";
import type { SharedRecord, SharedRecords } from "../shared/shared-records.ts";
import { allocateBlock, type BlockBook } from "./block-book.ts";
import { formatBook, GLOBALS_KEY, parseBook } from "./book-record.ts";
import type { GlobalAllocator, GlobalBlock, GlobalNeed } from "./global-block.ts";

interface Deps {
  readonly records: Pick<SharedRecords, "read" | "create" | "replace">;
  readonly table: Pick<TableView, "departed" | "member">;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
}

interface Question {
  readonly cluster: ClusterId;
  readonly need: GlobalNeed;
  readonly answer: (block: Result<GlobalBlock, string>) => void;
}

/** Replicas that race: one of them always gets on, so that this many times is more than any crowd needs. */
const ATTEMPTS = 20;
const BACKOFF = { firstMs: 10, maxMs: 1000 };
const NEVER = new AbortController().signal;

/**
 * The book of global addresses, one record that all replicas share. Questions that come together, as when a crowd comes
 * back, are answered out of one reading and one writing.
 */
export class GlobalAddresses implements GlobalAllocator {
  readonly #pools: readonly Cidr[];
  readonly #deps: Deps;
  /** BOUNDED: by the members, one stream each. */
  #waiting: Question[] = [];
  #isWorking = false;

  constructor(pools: readonly Cidr[], deps: Deps) {
    this.#pools = pools;
    this.#deps = deps;
  }

  allocate(cluster: ClusterId, need: GlobalNeed): Promise<Result<GlobalBlock, string>> {
    return new Promise((resolve) => {
      this.#waiting.push({ cluster, need, answer: resolve });
      if (!this.#isWorking) void this.#work();
    });
  }

  /** What there is, for an admin. */
  async book(): Promise<Result<BlockBook, string>> {
    const read = await this.#deps.records.read(GLOBALS_KEY);
    if (!read.ok) return read;
    return read.value === undefined ? ok([]) : parseBook(read.value.text);
  }

  async #work(): Promise<void> {
    this.#isWorking = true;
    while (this.#waiting.length > 0) {
      const questions = this.#waiting;
      this.#waiting = [];
      const blocks = await this.#answer(questions);
      for (const [at, { answer, cluster }] of questions.entries()) {
        const block = blocks.ok ? ok(blocks.value[at] ?? NO_ANSWER) : blocks;
        if (block.ok && block.value.problem !== "") {
          this.#deps.log.warn("global addresses not given", { cluster, err: block.value.problem });
        }
        answer(block);
      }
    }
    this.#isWorking = false;
  }

  async #answer(questions: readonly Question[]): Promise<Result<readonly GlobalBlock[], string>> {
    const { records, clock, random } = this.#deps;
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      if (attempt > 0) await sleep(clock, backoffMs(BACKOFF, attempt, random), NEVER);
      const read = await records.read(GLOBALS_KEY);
      if (!read.ok) return read;
      const before = read.value === undefined ? ok([]) : parseBook(read.value.text);
      if (!before.ok) return before;
      const { book, blocks } = this.#allocate(before.value, questions);
      const written = await this.#write(read.value, formatBook(book));
      if (!written.ok) return written;
      if (written.value) return ok(blocks);
    }
    return err(`cannot write the record of global addresses: lost the race ${ATTEMPTS} times`);
  }

  #allocate(
    before: BlockBook,
    questions: readonly Question[],
  ): { readonly book: BlockBook; readonly blocks: readonly GlobalBlock[] } {
    const { table, clock } = this.#deps;
    const asking = new Set(questions.map(({ cluster }) => cluster));
    const rules = {
      pools: this.#pools,
      hasLeft: (cluster: ClusterId): boolean =>
        !asking.has(cluster) &&
        table.departed(cluster) !== undefined &&
        table.member(cluster) === undefined,
      // The record has whole milliseconds; a clock need not.
      nowMs: Math.floor(clock.nowMs()),
    };
    let book = before;
    const blocks: GlobalBlock[] = [];
    for (const question of questions) {
      const next = allocateBlock(book, question, rules);
      book = next.book;
      blocks.push(next.block);
    }
    return { book, blocks };
  }

  /** False: another replica was faster. Nothing is written when nothing changed (I9). */
  #write(before: SharedRecord | undefined, text: string): Promise<Result<boolean, string>> {
    const { records } = this.#deps;
    if (before === undefined) return records.create(GLOBALS_KEY, text);
    return before.text === text
      ? Promise.resolve(ok(true))
      : records.replace(GLOBALS_KEY, text, before.revision);
  }
}

/** Never given: there is one block for each question. */
const NO_ANSWER: GlobalBlock = { prefixes: [], nodePrefixes: [], problem: "" };
