import type { Clock, Timer } from "../../runtime/clock/clock.ts";
import type { Logger } from "../../runtime/log/log.ts";
import { admit } from "../guard/load-shedder.ts";
import { SteadyClients } from "../guard/steady-clients.ts";
import { sourceFilter } from "./source-filter.ts";

/** The part of a socket that the guard looks at and acts on. */
export interface GuardedSocket {
  queueFilled(): number;
  setFilter(program: Uint8Array): boolean;
}

export interface OverloadGuardDeps {
  readonly clock: Clock;
  readonly log: Logger;
  /** Told which part of the questions of unknown clients is let in, from 0 to 1, whenever that changes. */
  readonly admitted: (part: number) => void;
}

const TICK_MS = 50;
/** Samples cost what an answer costs; one batch in so many gives one. */
const SAMPLED_EVERY = 4;
const LOG_EVERY_MS = 60_000;
const NO_FILTER = new Uint8Array(0);

/**
 * More questions than can be answered: then the kernel would drop whatever comes, so it is told to let those in who have
 * been asking for a while, and of the others as many as there is time for, before it queues them. Whoever floods with drawn source
 * addresses is one of the others.
 */
export class OverloadGuard {
  readonly #socket: GuardedSocket;
  readonly #deps: OverloadGuardDeps;
  readonly #clients = new SteadyClients();
  #admitted = 1;
  #steady: readonly string[] = [];
  #batches = 0;
  #loggedAtMs = Number.NEGATIVE_INFINITY;
  #timer: Timer | undefined;

  constructor(socket: GuardedSocket, deps: OverloadGuardDeps) {
    this.#socket = socket;
    this.#deps = deps;
  }

  start(): void {
    this.#timer = this.#deps.clock.setTimer(TICK_MS, () => {
      this.#tick();
      this.start();
    });
  }

  stop(): void {
    this.#timer?.cancel();
  }

  /** Whether the client of a datagram of this batch is wanted, for `saw`. HOT: runs for each batch. */
  wantsClient(): boolean {
    this.#batches++;
    return this.#batches % SAMPLED_EVERY === 0 && this.#admitted === 1;
  }

  saw(address: string): void {
    this.#clients.saw(address, this.#deps.clock.monotonicMs());
  }

  #tick(): void {
    const next = admit(this.#admitted, this.#socket.queueFilled());
    if (next === this.#admitted) return;
    if (this.#admitted === 1) this.#begins();
    const program = next === 1 ? NO_FILTER : sourceFilter(this.#steady, next);
    // A kernel that takes no filter goes on as it did without.
    if (!this.#socket.setFilter(program)) return;
    this.#admitted = next;
    this.#deps.admitted(next);
  }

  #begins(): void {
    this.#steady = this.#clients.steady();
    const nowMs = this.#deps.clock.monotonicMs();
    if (nowMs - this.#loggedAtMs < LOG_EVERY_MS) return;
    this.#loggedAtMs = nowMs;
    this.#deps.log.warn("more questions than can be answered: clients known for a while go first", {
      clients: this.#steady.length,
    });
  }
}
