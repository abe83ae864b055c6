import type { Logger } from "../../../runtime/log/log.ts";
import type { ListenerSlot, WantedListener } from "./import-book.ts";
import type { ListenerDeps, ServiceListener } from "./service-listener.ts";
import { startTcpListener } from "./tcp-listener.ts";
import { startUdpListener } from "./udp-listener.ts";

/** Keeps listeners equal to what is wanted: one pass after the other, each towards what is wanted then. */
export class ServiceListeners {
  readonly #host: string | undefined;
  readonly #deps: ListenerDeps & { readonly log: Logger };
  /** BOUNDED: by what is wanted. */
  readonly #listeners = new Map<ListenerSlot, ServiceListener>();
  /** Ports that could not be opened, and why. */
  readonly #failures = new Map<ListenerSlot, string>();
  #wanted: ReadonlyMap<ListenerSlot, WantedListener> = new Map();
  #pass: Promise<void> | undefined;
  #isDirty = false;

  /** @param host address to listen on; undefined: all */
  constructor(host: string | undefined, deps: ListenerDeps & { readonly log: Logger }) {
    this.#host = host;
    this.#deps = deps;
  }

  get size(): number {
    return this.#listeners.size;
  }

  /** Why listeners that are wanted are not there; empty: all are. */
  get problems(): readonly string[] {
    return [...this.#failures.values()];
  }

  /** Resolves when the ports are as they were wanted last. */
  async set(wanted: ReadonlyMap<ListenerSlot, WantedListener>): Promise<void> {
    this.#wanted = wanted;
    this.#isDirty = true;
    this.#pass ??= this.#run().finally(() => {
      this.#pass = undefined;
    });
    await this.#pass;
  }

  close(): void {
    this.#wanted = new Map();
    for (const listener of this.#listeners.values()) listener.close();
    this.#listeners.clear();
  }

  async #run(): Promise<void> {
    while (this.#isDirty) {
      this.#isDirty = false;
      const wanted = this.#wanted;
      for (const [slot, listener] of this.#listeners) {
        if (isSame(wanted.get(slot), listener.wanted)) continue;
        listener.close();
        this.#listeners.delete(slot);
      }
      this.#failures.clear();
      for (const [slot, listener] of wanted) {
        if (!this.#listeners.has(slot)) await this.#start(slot, listener);
      }
    }
  }

  async #start(slot: ListenerSlot, wanted: WantedListener): Promise<void> {
    const start = wanted.protocol === "tcp" ? startTcpListener : startUdpListener;
    const port = Number(slot.split(" ")[1]);
    const started = await start(wanted, { host: this.#host, port }, this.#deps);
    if (!started.ok) {
      this.#failures.set(slot, started.error);
      this.#deps.log.error("imported port not opened", { ...wanted, err: started.error });
    } else if (isSame(this.#wanted.get(slot), wanted)) {
      this.#listeners.set(slot, started.value);
    } else {
      started.value.close();
    }
  }
}

function isSame(a: WantedListener | undefined, b: WantedListener): boolean {
  return a !== undefined && JSON.stringify(a) === JSON.stringify(b);
}
