import { InvariantError } from "../../api/invariant.ts";
import type { ServiceKey } from "../../api/service-key.ts";
import { HEADER_BYTES } from "../wire/dns-numbers.ts";
import type { CompiledAnswer } from "./compiled-answer.ts";
import type { ExtendedError } from "./extended-errors.ts";
import type { Question } from "./question.ts";
import { QuestionIndex } from "./question-index.ts";

/** What is known about one question: an answer, or that the name exists without such records, or that it does not. */
export interface CachedAnswer {
  /** NXDOMAIN, which is never kept. */
  readonly isAbsent?: true;
  /** Absent for NODATA. */
  readonly answer?: CompiledAnswer;
  /** Absent for names that no service owns. */
  readonly service?: ServiceKey;
  /** Why there is no answer, where that is not plain. */
  readonly error?: ExtendedError;
}

export interface AnswerCacheLimits {
  readonly entriesMax: number;
  readonly bytesMax: number;
}

const ANSWER_CACHE_LIMITS: AnswerCacheLimits = {
  entriesMax: 200_000,
  bytesMax: 64 * 1024 * 1024,
};

/** Estimated bytes of an entry besides its answer: objects, places in lists. */
const ENTRY_BYTES = 400;
const CUT_BYTES = 40;

/** One question that is kept, linked with the others of its service. */
interface Entry {
  readonly cached: CachedAnswer;
  readonly hash: number;
  readonly sizeBytes: number;
  /** The question as it lies in `bytes` from `at` on: in the answer itself, or in a copy where there is none. */
  readonly bytes: Uint8Array;
  readonly at: number;
  readonly length: number;
  /** Asked for since the hand last came by. */
  isUsed: boolean;
  previous: Entry | undefined;
  next: Entry | undefined;
}

/**
 * Compiled answers by question. A change of a service drops that service's answers and no others. When it is full, the
 * first entry that nobody asked for since the last look goes (second chance): keeping the exact order of use would cost a
 * query as much as all the rest of the cache.
 */
export class AnswerCache {
  readonly #limits: AnswerCacheLimits;
  /** BOUNDED: by entriesMax and bytesMax. */
  readonly #index = new QuestionIndex<Entry>();
  /** First entry of each service's list. BOUNDED: by the entries. */
  readonly #ofService = new Map<ServiceKey, Entry>();
  #sizeBytes = 0;

  constructor(limits: AnswerCacheLimits = ANSWER_CACHE_LIMITS) {
    this.#limits = limits;
  }

  get size(): number {
    return this.#index.size;
  }

  // HOT: runs once per packet.
  get(question: Question): CachedAnswer | undefined {
    const entry = this.#index.find(question);
    if (entry === undefined) return undefined;
    entry.isUsed = true;
    return entry.cached;
  }

  /** Keeps what `get` did not find. */
  add(question: Question, cached: CachedAnswer): void {
    const entry = entryOf(question, cached);
    const { entriesMax, bytesMax } = this.#limits;
    if (entry.sizeBytes > bytesMax) return;
    while (this.#index.size >= entriesMax || this.#sizeBytes + entry.sizeBytes > bytesMax) {
      this.#evict();
    }
    this.#index.add(entry);
    this.#sizeBytes += entry.sizeBytes;
    const { service } = cached;
    if (service === undefined) return;
    entry.next = this.#ofService.get(service);
    if (entry.next !== undefined) entry.next.previous = entry;
    this.#ofService.set(service, entry);
  }

  invalidate(service: ServiceKey): void {
    let entry = this.#ofService.get(service);
    this.#ofService.delete(service);
    for (; entry !== undefined; entry = entry.next) this.#drop(entry);
  }

  /** Ends: after one round nothing is marked as used any more. */
  #evict(): void {
    for (;;) {
      const entry = this.#index.nextInTurn();
      if (entry === undefined) {
        throw new InvariantError("a cache that is full has entries", { bytes: this.#sizeBytes });
      }
      if (!entry.isUsed) {
        this.#unlink(entry);
        this.#drop(entry);
        return;
      }
      entry.isUsed = false;
    }
  }

  #drop(entry: Entry): void {
    this.#index.remove(entry);
    this.#sizeBytes -= entry.sizeBytes;
  }

  #unlink({ cached: { service }, previous, next }: Entry): void {
    if (service === undefined) return;
    if (next !== undefined) next.previous = previous;
    if (previous !== undefined) previous.next = next;
    else if (next !== undefined) this.#ofService.set(service, next);
    else this.#ofService.delete(service);
  }
}

function entryOf(question: Question, cached: CachedAnswer): Entry {
  const { answer } = cached;
  const { hash, length } = question;
  // A compiled answer repeats the question behind its header, in lower case.
  const key =
    answer === undefined
      ? { bytes: Uint8Array.from(question.bytes.subarray(0, length)), at: 0 }
      : { bytes: answer.bytes, at: HEADER_BYTES };
  const answerBytes =
    answer === undefined ? 0 : answer.bytes.length + answer.cuts.length * CUT_BYTES;
  const sizeBytes = ENTRY_BYTES + length + answerBytes;
  const unlinked = { isUsed: false, previous: undefined, next: undefined };
  return { cached, hash, sizeBytes, ...key, length, ...unlinked };
}
