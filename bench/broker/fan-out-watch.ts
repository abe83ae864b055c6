import type { StoreRecord } from "../../broker/core/store-record.ts";
import type { Store, StoreSession } from "../../broker/store/store.ts";
import type { Meter } from "../../runtime/metrics/meter.ts";
import { silentMeter } from "../../runtime/metrics/silent-meter.ts";
import { GcPauses } from "./gc-pauses.ts";
import { type BrokerFanOut, machineMs } from "./process-messages.ts";

const LAG = "isthmus_broker_fanout_lag_seconds";

/** Notes when the broker does what about a change, from outside: at its store, and at the metric that each stream which has caught up moves. */
export class FanOutWatch {
  readonly #gc = new GcPauses();
  #receivedMs = 0;
  #durableMs = 0;
  #writtenMs = 0;

  /** Of the last change. */
  take(): BrokerFanOut {
    const [receivedMs, durableMs, writtenMs] = [this.#receivedMs, this.#durableMs, this.#writtenMs];
    return { receivedMs, durableMs, writtenMs, gcMs: this.#gc.take() };
  }

  get meter(): Meter {
    const observe = (): void => {
      // The streams write to their sockets when the event loop comes round.
      setImmediate(() => {
        this.#writtenMs = machineMs();
      });
    };
    return {
      ...silentMeter,
      histogram: (options) => (options.name === LAG ? { observe } : silentMeter.histogram(options)),
    };
  }

  watch(store: Store): void {
    const open = store.openSession.bind(store);
    store.openSession = async (cluster) => {
      const opened = await open(cluster);
      return opened.ok ? { ok: true, value: this.#session(opened.value) } : opened;
    };
  }

  #session(session: StoreSession): StoreSession {
    return {
      replaced: session.replaced,
      append: async (records: readonly StoreRecord[]) => {
        this.#receivedMs = machineMs();
        const appended = await session.append(records);
        this.#durableMs = machineMs();
        return appended;
      },
    };
  }
}
