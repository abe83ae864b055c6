import { LRUCache } from "lru-cache";
import type { Clock } from "../../runtime/clock/clock.ts";
import type { Transport } from "../answer/client.ts";
import type { Forward } from "../answer/outside-zone.ts";
import { HEADER_BYTES, OPT_BYTES } from "../wire/dns-numbers.ts";
import { type KeptAnswer, keepAnswer, recallAnswer, withQuestion } from "./kept-answer.ts";

export interface CachingForwarderOptions {
  /** Longest time that an answer is kept, whatever its TTL, seconds; 0 keeps none. */
  readonly ttlMaxSeconds: number;
}

export interface CachingForwarderDeps {
  readonly clock: Clock;
  /** Asks the upstream resolvers. */
  readonly ask: Forward["ask"];
  readonly onLookup: (result: "hit" | "miss") => void;
  readonly onSize: (entries: number) => void;
}

const ENTRIES_MAX = 20_000;
const BYTES_MAX = 16 * 1024 * 1024;
/** Estimated bytes of an entry besides its message and its key: objects, the cache's own lists. */
const ENTRY_BYTES = 400;
const TTL_BYTES = 48;
/** Queries that wait for the answer to somebody else's; more are asked on their own, within the forwarder's limit. */
const JOINED_MAX = 4096;
/** Where OPT has the size that the client takes. */
const OPT_SIZE_AT = 3;

interface Kept {
  readonly answer: KeptAnswer;
  readonly keptAtMs: number;
}

/**
 * Answers of upstream resolvers, given again as long as their TTLs allow. The same question asked twice at once goes out once: less
 * work, and no more guesses for who forges answers (RFC 5452, section 5).
 */
export class CachingForwarder implements Forward {
  readonly #options: CachingForwarderOptions;
  readonly #deps: CachingForwarderDeps;
  readonly #kept = new LRUCache<string, Kept>({
    max: ENTRIES_MAX,
    maxSize: BYTES_MAX,
    sizeCalculation: ({ answer }, key) =>
      ENTRY_BYTES + key.length + answer.message.length + answer.ttls.length * TTL_BYTES,
  });
  /** BOUNDED: by the forwarder's queries under way. */
  readonly #underWay = new Map<string, Promise<Buffer | undefined>>();
  #joined = 0;

  constructor(options: CachingForwarderOptions, deps: CachingForwarderDeps) {
    this.#options = options;
    this.#deps = deps;
  }

  // HOT: runs for each query about other zones.
  readonly recall = (query: Buffer, questionEnd: number): Buffer | undefined => {
    const { clock, onLookup, onSize } = this.#deps;
    const key = keyOf(query, questionEnd);
    const kept = this.#kept.get(key);
    const ageMs = kept === undefined ? 0 : clock.monotonicMs() - kept.keptAtMs;
    if (kept !== undefined && ageMs < kept.answer.lifetimeSeconds * 1000) {
      onLookup("hit");
      return recallAnswer(kept.answer, query, questionEnd, Math.floor(ageMs / 1000));
    }
    onLookup("miss");
    if (this.#kept.delete(key)) onSize(this.#kept.size);
    return undefined;
  };

  readonly ask = async (
    query: Buffer,
    questionEnd: number,
    transport: Transport,
  ): Promise<Buffer | undefined> => {
    const key = keyOf(query, questionEnd);
    // Those that take less are sent less, and by TCP there is more.
    const how = `${transport} ${sizeOf(query, questionEnd)} ${key}`;
    const others = this.#underWay.get(how);
    if (others !== undefined && this.#joined < JOINED_MAX) {
      this.#joined++;
      const response = await others;
      this.#joined--;
      return response === undefined ? undefined : withQuestion(response, query, questionEnd);
    }
    const own = this.#deps.ask(query, questionEnd, transport);
    if (others === undefined) this.#underWay.set(how, own);
    const response = await own;
    if (this.#underWay.get(how) === own) this.#underWay.delete(how);
    if (response !== undefined) this.#keep(key, response, questionEnd);
    return response;
  };

  #keep(key: string, response: Buffer, questionEnd: number): void {
    const answer = keepAnswer(response, questionEnd, this.#options.ttlMaxSeconds);
    if (answer === undefined) return;
    this.#kept.set(key, { answer, keptAtMs: this.#deps.clock.monotonicMs() });
    this.#deps.onSize(this.#kept.size);
  }
}

/** The question and the wishes that shape its answer: all but the id, the letters' case and the size that the client takes. */
function keyOf(query: Buffer, questionEnd: number): string {
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

function sizeOf(query: Buffer, questionEnd: number): number {
  return query.length === questionEnd + OPT_BYTES
    ? query.readUInt16BE(questionEnd + OPT_SIZE_AT)
    : 0;
}
