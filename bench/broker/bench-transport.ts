import type {
  StreamHandlers,
  SyncStream,
  SyncTransport,
} from "../../broker/client/sync-transport.ts";
import { systemClock as clock } from "../../runtime/clock/system-clock.ts";

/** The real transport of a member that can be cut off, and of one that does not know batches. */
export class BenchTransport implements SyncTransport {
  readonly #inner: SyncTransport;
  readonly #takesBatches: boolean;
  #isCut = false;
  /** Streams opened so far. */
  opened = 0;
  #lose: (() => void) | undefined;

  constructor(inner: SyncTransport, takesBatches: boolean) {
    this.#inner = inner;
    this.#takesBatches = takesBatches;
  }

  open(handlers: StreamHandlers): SyncStream {
    if (this.#isCut) {
      clock.setTimer(0, () => handlers.onClosed({ kind: "lost", reason: "cut" }));
      return { send: () => true, close: () => undefined };
    }
    this.opened += 1;
    const stream = this.#inner.open(handlers);
    this.#lose = () => {
      stream.close();
      handlers.onClosed({ kind: "lost", reason: "cut" });
    };
    return {
      send: (said) => {
        const { message } = said;
        if (this.#takesBatches || message?.$case !== "hello") return stream.send(said);
        const value = { ...message.value, capabilities: [] };
        return stream.send({ message: { $case: "hello", value } });
      },
      close: () => stream.close(),
    };
  }

  cut(): void {
    this.#isCut = true;
    this.#lose?.();
    this.#lose = undefined;
  }

  heal(): void {
    this.#isCut = false;
  }

  close(): void {
    this.#inner.close();
  }
}
