import { LRUCache } from "lru-cache";
import type { Transport } from "../answer/client.ts";
import type { Reply } from "../answer/outside-zone.ts";
import { HEADER_BYTES, OPT_BYTES } from "../wire/dns-numbers.ts";
import type { Asked } from "./forwarder.ts";
import {
  type KeptAnswer,
  keepAnswer,
  recallAnswer,
  staleAnswer,
  withQuestion,
} from "./kept-answer.ts";
import { type KeptFailure, keepFailure } from "./kept-failure.ts";

export interface ForwardMemoryOptions {
  /** Longest time that an answer is kept, whatever its TTL, seconds; 0 keeps none. */
  readonly ttlMaxSeconds: number;
  /** How long after that it may be given when upstream resolvers fail, seconds; 0 never (RFC 8767). */
  readonly staleMaxSeconds: number;
}

const ANSWERS = { max: 20_000, maxSize: 16 * 1024 * 1024 } as const;
/** Apart, so that a flood of names that fail pushes no answer out (RFC 9520, section 3.2). */
const FAILURES = { max: 10_000, maxSize: 4 * 1024 * 1024 } as const;
/** Estimated bytes of an entry besides its message and its key: objects, the cache's own lists. */
const ENTRY_BYTES = 400;
const TTL_BYTES = 48;
/** "Attempts to refresh from non-responsive or otherwise failing authoritative nameservers" at most so often (RFC 8767, section 5). */
const STALE_RECHECK_MS = 30_000;
/** Where OPT has the size that the client takes. */
const OPT_SIZE_AT = 3;

interface Kept {
  readonly answer: KeptAnswer;
  readonly keptAtMs: number;
}

/** What upstream resolvers said, and that they failed, for as long as each may be given again. Time is an input. */
export class ForwardMemory {
  readonly #options: ForwardMemoryOptions;
  readonly #answers = new LRUCache<string, Kept>({
    ...ANSWERS,
    sizeCalculation: ({ answer }, key) =>
      ENTRY_BYTES + key.length + answer.message.length + answer.ttls.length * TTL_BYTES,
  });
  readonly #failures = new LRUCache<string, KeptFailure>({
    ...FAILURES,
    sizeCalculation: ({ response }, key) => ENTRY_BYTES + key.length + (response?.length ?? 0),
  });

  constructor(options: ForwardMemoryOptions) {
    this.#options = options;
  }

  /** Answers that are kept. */
  get size(): number {
    return this.#answers.size;
  }

  // HOT: runs for each query about other zones.
  /** What may be said without asking. */
  recall(
    query: Buffer,
    questionEnd: number,
    transport: Transport,
    nowMs: number,
  ): Reply | undefined {
    const key = keyOf(query, questionEnd);
    const kept = this.#answers.get(key);
    if (kept !== undefined) {
      const ageMs = nowMs - kept.keptAtMs;
      const { lifetimeSeconds } = kept.answer;
      if (ageMs < lifetimeSeconds * 1000) {
        const ageSeconds = Math.floor(ageMs / 1000);
        const response = recallAnswer(kept.answer, query, questionEnd, ageSeconds);
        return { kind: "answer", response };
      }
      if (ageMs >= (lifetimeSeconds + this.#options.staleMaxSeconds) * 1000) {
        this.#answers.delete(key);
      }
    }
    const failure = this.#failures.get(failureKey(key, transport));
    if (failure === undefined || nowMs >= failure.untilMs) return undefined;
    const stale = this.recallStale(query, questionEnd, nowMs);
    if (stale !== undefined) return stale;
    const { response } = failure;
    const repeated = response && withQuestion(response, query, questionEnd);
    return { kind: "failure", response: repeated, isKept: true };
  }

  /** An answer that is too old, but not so old that it must not be given any more. */
  recallStale(query: Buffer, questionEnd: number, nowMs: number): Reply | undefined {
    const { staleMaxSeconds } = this.#options;
    if (staleMaxSeconds === 0) return undefined;
    const kept = this.#answers.get(keyOf(query, questionEnd));
    if (kept === undefined) return undefined;
    const endMs = kept.keptAtMs + (kept.answer.lifetimeSeconds + staleMaxSeconds) * 1000;
    if (nowMs >= endMs) return undefined;
    return { kind: "stale", response: staleAnswer(kept.answer, query, questionEnd) };
  }

  /** Takes in what was said. That nobody was asked says nothing of upstream resolvers. */
  keep(
    query: Buffer,
    questionEnd: number,
    transport: Transport,
    asked: Asked,
    nowMs: number,
  ): void {
    if (asked.kind === "overload") return;
    const key = keyOf(query, questionEnd);
    const failed = failureKey(key, transport);
    if (asked.kind === "failed") {
      const isStale = this.recallStale(query, questionEnd, nowMs) !== undefined;
      const atLeastMs = isStale ? STALE_RECHECK_MS : 0;
      const before = this.#failures.get(failed);
      this.#failures.set(failed, keepFailure(before, asked.response, nowMs, atLeastMs));
      return;
    }
    this.#failures.delete(failed);
    const answer = keepAnswer(asked.response, questionEnd, this.#options.ttlMaxSeconds);
    if (answer !== undefined) this.#answers.set(key, { answer, keptAtMs: nowMs });
    // Whatever was known before, this is newer.
    else this.#answers.delete(key);
  }

  /** What is said to whoever asked `query`, the same question maybe in other letters. */
  reply(query: Buffer, questionEnd: number, asked: Asked, nowMs: number): Reply {
    if (asked.kind === "answered") {
      return { kind: "answer", response: withQuestion(asked.response, query, questionEnd) };
    }
    const stale = this.recallStale(query, questionEnd, nowMs);
    if (stale !== undefined) return stale;
    const said = asked.kind === "failed" ? asked.response : undefined;
    const response = said && withQuestion(said, query, questionEnd);
    return { kind: "failure", response, isKept: false };
  }
}

/** The question and the wishes that shape its answer: all but the id, the letters' case and the size that the client takes. */
export function keyOf(query: Buffer, questionEnd: number): string {
  const key = Buffer.from(query);
  key.fill(0, 0, 2);
  // Letters are ASCII (RFC 4343); no length of a label and no byte of the header above it is one.
  for (let at = HEADER_BYTES; at < questionEnd - 4; at++) {
    const byte = key[at] ?? 0;
    if (byte >= 0x41 && byte <= 0x5a) key[at] = byte + 0x20;
  }
  if (key.length === questionEnd + OPT_BYTES)
    key.fill(0, questionEnd + OPT_SIZE_AT, questionEnd + 5);
  return key.toString("latin1");
}

/** The size that the client takes; 0 without EDNS. */
export function sizeOf(query: Buffer, questionEnd: number): number {
  return query.length === questionEnd + OPT_BYTES
    ? query.readUInt16BE(questionEnd + OPT_SIZE_AT)
    : 0;
}

/** TCP that does not get through to an upstream says nothing of UDP. */
function failureKey(key: string, transport: Transport): string {
  return `${transport} ${key}`;
}
