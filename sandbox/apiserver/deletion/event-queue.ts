import type { ObjectStore, StoreEvent } from "../store/object-store.ts";

/** Store events that a background worker has still to look at. */
export class EventQueue {
  /** BOUNDED: by the writes of one request and the work it causes; drained after each request. */
  #waiting: StoreEvent[] = [];

  constructor(store: ObjectStore, accepts: (event: StoreEvent) => boolean) {
    store.subscribe((event) => {
      if (accepts(event)) this.#waiting.push(event);
    });
  }

  get pending(): boolean {
    return this.#waiting.length > 0;
  }

  /** Takes everything that waits. */
  drain(): readonly StoreEvent[] {
    const taken = this.#waiting;
    this.#waiting = [];
    return taken;
  }
}
