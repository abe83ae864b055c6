import { LRUCache } from "lru-cache";
import type { ServiceKey } from "../../api/service-key.ts";
import type { CompiledAnswer } from "./compiled-answer.ts";
import type { ExtendedError } from "./extended-errors.ts";

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

export const ANSWER_CACHE_LIMITS: AnswerCacheLimits = {
  entriesMax: 200_000,
  bytesMax: 64 * 1024 * 1024,
};

/** Estimated bytes of an entry besides its answer: key, objects, list nodes. */
const ENTRY_BYTES = 400;
const CUT_BYTES = 40;

/** Compiled answers by question. A change of a service drops that service's answers and no others. */
export class AnswerCache {
  /** BOUNDED: by entries and by bytes. */
  readonly #answers: LRUCache<string, CachedAnswer>;
  /** Questions kept per service. BOUNDED: by the cache, whose disposals leave it. */
  readonly #questions = new Map<ServiceKey, Set<string>>();

  constructor(limits: AnswerCacheLimits = ANSWER_CACHE_LIMITS) {
    this.#answers = new LRUCache({
      max: limits.entriesMax,
      maxSize: limits.bytesMax,
      sizeCalculation: sizeBytes,
      dispose: (cached, question) => this.#forget(cached, question),
    });
  }

  get size(): number {
    return this.#answers.size;
  }

  get(question: string): CachedAnswer | undefined {
    return this.#answers.get(question);
  }

  set(question: string, cached: CachedAnswer): void {
    this.#answers.set(question, cached);
    if (cached.service === undefined || !this.#answers.has(question)) return;
    const questions = this.#questions.get(cached.service);
    if (questions === undefined) this.#questions.set(cached.service, new Set([question]));
    else questions.add(question);
  }

  invalidate(service: ServiceKey): void {
    const questions = this.#questions.get(service);
    if (questions === undefined) return;
    this.#questions.delete(service);
    for (const question of questions) this.#answers.delete(question);
  }

  #forget(cached: CachedAnswer, question: string): void {
    if (cached.service === undefined) return;
    const questions = this.#questions.get(cached.service);
    questions?.delete(question);
    if (questions?.size === 0) this.#questions.delete(cached.service);
  }
}

function sizeBytes(cached: CachedAnswer, question: string): number {
  const { answer } = cached;
  const answerBytes =
    answer === undefined ? 0 : answer.bytes.length + answer.cuts.length * CUT_BYTES;
  return ENTRY_BYTES + question.length + answerBytes;
}
