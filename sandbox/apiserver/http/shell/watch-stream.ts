import type { ServerResponse } from "node:http";
import type { Logger } from "../../../../runtime/log/log.ts";
import type { OpenWatch, WatchEvent } from "../../watch/watch-event.ts";
import type { WatchResponse } from "../api-request.ts";

/** Bytes that may wait for a slow watcher beyond its first state; then it is cut and has to come back. */
const BACKLOG_MAX_BYTES = 16 * 1024 * 1024;

export interface WatchStreamDeps {
  readonly response: ServerResponse;
  readonly log: Logger;
  onClosed(): void;
}

/** One watch over HTTP: a line of JSON for each event, until either side ends it. */
export class WatchStream {
  readonly #answer: WatchResponse;
  readonly #deps: WatchStreamDeps;
  #watch: OpenWatch | undefined;
  #isOver = false;
  #isInitial = true;

  constructor(answer: WatchResponse, deps: WatchStreamDeps) {
    this.#answer = answer;
    this.#deps = deps;
  }

  open(nowMs: number): void {
    const { response } = this.#deps;
    response.writeHead(200, { "cache-control": "no-cache, private", ...this.#answer.headers });
    response.flushHeaders();
    response.on("close", () => this.#over());
    const sink = {
      event: (event: WatchEvent) => this.#write(event),
      end: () => this.end(),
    };
    this.#watch = this.#answer.start.open(sink, nowMs);
    this.#isInitial = false;
    if (this.#isOver) this.#watch.close();
  }

  /** Ends the answer as the server does: cleanly. */
  end(): void {
    if (this.#isOver) return;
    this.#over();
    this.#deps.response.end();
  }

  #write(event: WatchEvent): void {
    if (this.#isOver) return;
    const { response, log } = this.#deps;
    response.write(this.#answer.encode(event));
    if (this.#isInitial || response.writableLength <= BACKLOG_MAX_BYTES) return;
    log.warn("slow watcher cut", { backlogBytes: response.writableLength });
    this.#over();
    response.destroy();
  }

  #over(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#watch?.close();
    this.#deps.onClosed();
  }
}
