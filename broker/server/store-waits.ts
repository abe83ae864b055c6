import type { Clock } from "../../runtime/clock/clock.ts";
import type { BrokerMetrics } from "./metrics.ts";

interface Deps {
  readonly clock: Pick<Clock, "monotonicMs">;
  readonly metrics: Pick<BrokerMetrics, "unstoredWrites" | "storeWait">;
}

/** How many writes wait for the store, of all members, and for how long each did: what an admin sees of a slow one. */
export class StoreWaits {
  readonly #deps: Deps;
  #count = 0;

  constructor(deps: Deps) {
    this.#deps = deps;
    this.#tell(0);
  }

  /** Settles as the append does. */
  async during<T>(append: Promise<T>): Promise<T> {
    const { clock, metrics } = this.#deps;
    const startMs = clock.monotonicMs();
    this.#tell(1);
    try {
      return await append;
    } finally {
      this.#tell(-1);
      metrics.storeWait.observe((clock.monotonicMs() - startMs) / 1000);
    }
  }

  #tell(change: number): void {
    this.#count += change;
    this.#deps.metrics.unstoredWrites.set(this.#count);
  }
}
