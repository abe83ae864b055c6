import type { JsonObject } from "../object/json.ts";

type WatchEventType = "ADDED" | "MODIFIED" | "DELETED" | "BOOKMARK" | "ERROR";

/** One event as it goes to a watcher; `object` is in the requested version. */
export interface WatchEvent {
  readonly type: WatchEventType;
  readonly object: JsonObject;
}

/** Where a watch sends what it sees. Called synchronously; must not block. */
export interface WatchSink {
  event(event: WatchEvent): void;
  /** The server ends the watch. */
  end(): void;
}

/** A watch that was accepted and has not begun. */
export interface WatchStart {
  /** Sends what is due at once, then what comes, until closed. `nowMs` starts its time limits. */
  open(sink: WatchSink, nowMs: number): OpenWatch;
}

export interface OpenWatch {
  /** Idempotent; the sink hears nothing afterwards. */
  close(): void;
}
