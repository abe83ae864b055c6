import { err, ok, type Result } from "../../../api/result.ts";
import { expired, type StatusError, tooManyRequests, toStatus } from "../object/status-error.ts";
import { collectionOf } from "../registry/kind-registry.ts";
import { checkWatchOptions, type WatchOptions } from "../registry/list-options.ts";
import type { Target } from "../registry/registry-state.ts";
import { parseSelection, type Selection } from "../registry/selection.ts";
import type { ObjectStore, StoreEvent } from "../store/object-store.ts";
import { bookmark } from "./bookmark.ts";
import { translateEvent } from "./translate-event.ts";
import type { OpenWatch, WatchSink, WatchStart } from "./watch-event.ts";

const BOOKMARK_EVERY_MS = 60_000;
/** A watch without a timeout of its own ends after this long, as the real server's do (30 to 60 minutes). */
const DEFAULT_TIMEOUT_MS = 45 * 60_000;
const WATCHES_MAX = 10_000;

interface Watch {
  readonly target: Target;
  readonly collection: string;
  readonly selection: Selection;
  readonly sink: WatchSink;
  readonly endsAtMs: number;
  /** Undefined when the watcher does not take bookmarks. */
  nextBookmarkAtMs: number | undefined;
  /** Events up to here were sent. */
  seenRevision: number;
}

/** All open watches of one server. Time comes in through `tick`. */
export class WatchHub {
  readonly #store: ObjectStore;
  /** BOUNDED: by WATCHES_MAX. */
  readonly #watches = new Set<Watch>();

  constructor(store: ObjectStore) {
    this.#store = store;
    store.subscribe((event) => this.#publish(event));
  }

  get size(): number {
    return this.#watches.size;
  }

  /** Checks a request to watch; an expired or future revision is told inside the stream, as the real server does. */
  prepare(target: Target, options: WatchOptions): Result<WatchStart, StatusError> {
    const selection = parseSelection(target, options.labelSelector, options.fieldSelector);
    if (!selection.ok) return selection;
    const revision = checkWatchOptions(options);
    if (!revision.ok) return revision;
    if (this.#watches.size >= WATCHES_MAX) {
      return err(tooManyRequests(`too many watches: must be at most ${WATCHES_MAX}`, 1));
    }
    const request = { target, options, selection: selection.value, revision: revision.value ?? 0 };
    return ok({ open: (sink, nowMs) => this.#open(request, sink, nowMs) });
  }

  /** Sends bookmarks and ends watches that are due. */
  tick(nowMs: number): void {
    for (const watch of [...this.#watches]) {
      if (watch.endsAtMs <= nowMs) {
        this.#watches.delete(watch);
        watch.sink.end();
      } else if (watch.nextBookmarkAtMs !== undefined && watch.nextBookmarkAtMs <= nowMs) {
        watch.nextBookmarkAtMs = nowMs + BOOKMARK_EVERY_MS;
        watch.sink.event(bookmark(watch.target, this.#store.revision, false));
      }
    }
  }

  /** When `tick` has something to do next; undefined when never. */
  nextTickMs(): number | undefined {
    let next: number | undefined;
    for (const { endsAtMs, nextBookmarkAtMs } of this.#watches) {
      const due = Math.min(endsAtMs, nextBookmarkAtMs ?? endsAtMs);
      next = next === undefined ? due : Math.min(next, due);
    }
    return next;
  }

  /** Ends every watch: the server is going away, or (in tests) connections break. */
  endAll(): void {
    for (const watch of [...this.#watches]) {
      this.#watches.delete(watch);
      watch.sink.end();
    }
  }

  #open(request: WatchRequest, sink: WatchSink, nowMs: number): OpenWatch {
    const { target, options, selection, revision } = request;
    const watch: Watch = {
      target,
      collection: collectionOf(target.kind),
      selection,
      sink,
      endsAtMs: nowMs + (options.timeoutSeconds * 1000 || DEFAULT_TIMEOUT_MS),
      nextBookmarkAtMs: options.allowBookmarks ? nowMs + BOOKMARK_EVERY_MS : undefined,
      seenRevision: Math.max(revision, this.#store.revision),
    };
    const fromState = options.sendInitialEvents ?? revision === 0;
    if (fromState && revision <= this.#store.revision) {
      this.#sendState(watch);
    } else if (!this.#sendSince(watch, revision)) {
      sink.end();
      return { close: () => undefined };
    }
    this.#watches.add(watch);
    return { close: () => void this.#watches.delete(watch) };
  }

  /** The present state as ADDED events, and where they end. */
  #sendState(watch: Watch): void {
    const { target, selection, sink } = watch;
    for (const { object } of this.#store.list(watch.collection, target.namespace)) {
      const served = target.version.fromStorage(object);
      if (selection.matches(served)) sink.event({ type: "ADDED", object: served });
    }
    if (watch.nextBookmarkAtMs !== undefined) {
      sink.event(bookmark(target, this.#store.revision, true));
    }
  }

  /** Events newer than `revision`; false when they are not all known any more. */
  #sendSince(watch: Watch, revision: number): boolean {
    const events = this.#store.eventsAfter(revision);
    if (!events.ok) {
      const message = `too old resource version: ${revision} (${events.error.oldestRevision})`;
      watch.sink.event({ type: "ERROR", object: toStatus(expired(message)) });
      return false;
    }
    for (const event of events.value) this.#send(watch, event);
    return true;
  }

  #publish(event: StoreEvent): void {
    for (const watch of [...this.#watches]) {
      if (event.revision > watch.seenRevision) this.#send(watch, event);
    }
  }

  #send(watch: Watch, event: StoreEvent): void {
    const { collection, target, selection, sink } = watch;
    if (event.collection !== collection) return;
    if (target.namespace !== undefined && !event.key.startsWith(`${target.namespace}/`)) return;
    const translated = translateEvent(event, target.version, selection);
    if (translated !== undefined) sink.event(translated);
  }
}

interface WatchRequest {
  readonly target: Target;
  readonly options: WatchOptions;
  readonly selection: Selection;
  readonly revision: number;
}
