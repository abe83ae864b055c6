import { backoffMs } from "../../../runtime/backoff/backoff.ts";
import type { Timer } from "../../../runtime/clock/clock.ts";
import type { Random } from "../../../runtime/random/random.ts";
import type { ListenerSlot, WantedListener } from "./import-book.ts";
import type { ListenerDeps, ServiceListener } from "./service-listener.ts";
import { startTcpListener } from "./tcp-listener.ts";
import { startUdpListener } from "./udp-listener.ts";

/**
 * A port that is wanted no more stays open for so long: kube-proxy and clients follow slices later than we do, and a client that
 * still dials it must find what it found before. Who needs the port for something else has it at once.
 */
export const LINGER_MS = 30_000;

/** A port that could not be opened is tried again after this at the latest: somebody else may have had it for a while. */
export const RETRY_MAX_MS = 30_000;
const RETRY = { firstMs: 1_000, maxMs: RETRY_MAX_MS };

/** Keeps listeners equal to what is wanted: one pass after the other, each towards what is wanted then. */
export class ServiceListeners {
  readonly #host: string | undefined;
  readonly #deps: ListenerDeps & { readonly random: Random };
  /** BOUNDED: by what is wanted, and what is wanted no more for LINGER_MS. */
  readonly #listeners = new Map<ListenerSlot, ServiceListener>();
  /** Those that are wanted no more, and when they close. BOUNDED: as #listeners. */
  readonly #lingering = new Map<ListenerSlot, Timer>();
  /** Ports that could not be opened, and why. BOUNDED: by what is wanted. */
  #failures = new Map<ListenerSlot, string>();
  #retry: Timer | undefined;
  #failedPasses = 0;
  #wanted: ReadonlyMap<ListenerSlot, WantedListener> = new Map();
  #pass: Promise<void> | undefined;
  #isDirty = false;
  #isClosed = false;

  /** @param host address to listen on; undefined: all */
  constructor(host: string | undefined, deps: ListenerDeps & { readonly random: Random }) {
    this.#host = host;
    this.#deps = deps;
  }

  get size(): number {
    return this.#listeners.size;
  }

  has(slot: ListenerSlot): boolean {
    return this.#listeners.has(slot);
  }

  /** Why listeners that are wanted are not there; empty: all are. */
  get problems(): readonly string[] {
    return [...this.#failures.values()];
  }

  /** Resolves when the ports are as they were wanted last, or once they are closed for good. */
  async set(wanted: ReadonlyMap<ListenerSlot, WantedListener>): Promise<void> {
    if (this.#isClosed) return;
    this.#wanted = wanted;
    this.#isDirty = true;
    this.#pass ??= this.#run().finally(() => {
      this.#pass = undefined;
    });
    await this.#pass;
  }

  /** For good: slices go on to change while a process stops. */
  close(): void {
    this.#isClosed = true;
    this.#retry?.cancel();
    this.#wanted = new Map();
    for (const slot of [...this.#listeners.keys()]) this.#close(slot);
  }

  async #run(): Promise<void> {
    while (this.#isDirty) {
      this.#isDirty = false;
      const wanted = this.#wanted;
      for (const [slot, listener] of this.#listeners) {
        const next = wanted.get(slot);
        if (next === undefined) this.#linger(slot);
        else if (!isSame(next, listener.wanted)) this.#close(slot);
        else this.#stay(slot);
      }
      const before = this.#failures;
      this.#failures = new Map();
      for (const [slot, listener] of wanted) {
        if (!this.#listeners.has(slot)) await this.#start(slot, listener, before.get(slot));
      }
    }
    this.#retryLater();
  }

  #retryLater(): void {
    this.#retry?.cancel();
    if (this.#isClosed || this.#failures.size === 0) {
      this.#failedPasses = 0;
      return;
    }
    const { clock, random } = this.#deps;
    const delayMs = backoffMs(RETRY, this.#failedPasses, random);
    this.#failedPasses += 1;
    this.#retry = clock.setTimer(delayMs, () => void this.set(this.#wanted));
  }

  #linger(slot: ListenerSlot): void {
    if (this.#lingering.has(slot)) return;
    const timer = this.#deps.clock.setTimer(LINGER_MS, () => this.#close(slot));
    this.#lingering.set(slot, timer);
  }

  #stay(slot: ListenerSlot): void {
    this.#lingering.get(slot)?.cancel();
    this.#lingering.delete(slot);
  }

  #close(slot: ListenerSlot): void {
    this.#stay(slot);
    this.#listeners.get(slot)?.close();
    this.#listeners.delete(slot);
  }

  /** @param told why it could not be opened the last time: it is not said again */
  async #start(
    slot: ListenerSlot,
    wanted: WantedListener,
    told: string | undefined,
  ): Promise<void> {
    const start = wanted.protocol === "tcp" ? startTcpListener : startUdpListener;
    const port = Number(slot.split(" ")[1]);
    const started = await start(wanted, { host: this.#host, port }, this.#deps);
    if (!started.ok) {
      this.#failures.set(slot, started.error);
      if (started.error !== told) {
        this.#deps.log.error("imported port not opened", { ...wanted, err: started.error });
      }
    } else if (!this.#isClosed && isSame(this.#wanted.get(slot), wanted)) {
      this.#listeners.set(slot, started.value);
    } else {
      started.value.close();
    }
  }
}

function isSame(a: WantedListener | undefined, b: WantedListener): boolean {
  return a !== undefined && JSON.stringify(a) === JSON.stringify(b);
}
