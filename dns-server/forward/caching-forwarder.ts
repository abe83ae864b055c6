import type { Clock, Timer } from "../../runtime/clock/clock.ts";
import type { Transport } from "../answer/client.ts";
import type { Forward, Reply } from "../answer/outside-zone.ts";
import { ForwardMemory, type ForwardMemoryOptions, keyOf, sizeOf } from "./forward-memory.ts";
import type { Asked, AskUpstreams } from "./forwarder.ts";

/** What was known of a question about another zone: an answer, one that is too old, that it fails, nothing. */
export type ForwardLookup = "hit" | "stale" | "failure" | "miss";

export interface CachingForwarderDeps {
  readonly clock: Clock;
  /** Asks the upstream resolvers. */
  readonly ask: AskUpstreams;
  readonly onLookup: (result: ForwardLookup) => void;
  readonly onSize: (entries: number) => void;
}

const LOOKUPS = { answer: "hit", stale: "stale", failure: "failure" } as const;
/** Queries that wait for the answer to somebody else's; more are asked on their own, within the forwarder's limit. */
const JOINED_MAX = 4096;
/** Who could have an old answer waits so long for a new one: the "client response timer" (RFC 8767, section 5). */
const STALE_AFTER_MS = 1800;

/**
 * Answers of upstream resolvers, given again as long as their TTLs allow. The same question asked twice at once goes out once: less
 * work, and no more guesses for who forges answers (RFC 5452, section 5).
 */
export class CachingForwarder implements Forward {
  readonly #deps: CachingForwarderDeps;
  readonly #memory: ForwardMemory;
  /** BOUNDED: by the forwarder's queries under way. */
  readonly #underWay = new Map<string, Promise<Asked>>();
  #joined = 0;

  constructor(options: ForwardMemoryOptions, deps: CachingForwarderDeps) {
    this.#memory = new ForwardMemory(options);
    this.#deps = deps;
  }

  readonly recall: Forward["recall"] = (query, questionEnd, transport) => {
    const { clock, onLookup, onSize } = this.#deps;
    const before = this.#memory.size;
    const known = this.#memory.recall(query, questionEnd, transport, clock.monotonicMs());
    onLookup(known === undefined ? "miss" : LOOKUPS[known.kind]);
    if (this.#memory.size !== before) onSize(this.#memory.size);
    return known;
  };

  readonly ask: Forward["ask"] = async (query, questionEnd, transport) => {
    const { clock } = this.#deps;
    const told = this.#learn(query, questionEnd, transport).then((asked) =>
      this.#memory.reply(query, questionEnd, asked, clock.monotonicMs()),
    );
    const stale = this.#memory.recallStale(query, questionEnd, clock.monotonicMs());
    return stale === undefined ? told : this.#unlessLate(told, stale);
  };

  async #learn(query: Buffer, questionEnd: number, transport: Transport): Promise<Asked> {
    // Those that take less are sent less, and by TCP there is more.
    const how = `${transport} ${sizeOf(query, questionEnd)} ${keyOf(query, questionEnd)}`;
    const others = this.#underWay.get(how);
    if (others !== undefined && this.#joined < JOINED_MAX) {
      this.#joined++;
      const asked = await others;
      this.#joined--;
      return asked;
    }
    const { ask, clock, onSize } = this.#deps;
    const own = ask(query, questionEnd, transport).then((asked) => {
      this.#memory.keep(query, questionEnd, transport, asked, clock.monotonicMs());
      onSize(this.#memory.size);
      return asked;
    });
    if (others === undefined) this.#underWay.set(how, own);
    const asked = await own;
    if (this.#underWay.get(how) === own) this.#underWay.delete(how);
    return asked;
  }

  /** The old answer when the new one lets wait; who asks next may get the new one. */
  async #unlessLate(told: Promise<Reply>, stale: Reply): Promise<Reply> {
    let timer: Timer | undefined;
    const late = new Promise<Reply>((resolve) => {
      timer = this.#deps.clock.setTimer(STALE_AFTER_MS, () => resolve(stale));
    });
    const reply = await Promise.race([told, late]);
    timer?.cancel();
    return reply;
  }
}
