import { invariant } from "../../../api/invariant.ts";
import type { KubeObject, Resource } from "../../../api/kube/object.ts";
import type { Clock } from "../../clock/clock.ts";
import { deadline } from "../../clock/deadline.ts";
import { sleep } from "../../clock/sleep.ts";
import type { Logger } from "../../log/log.ts";
import type { Counter, Gauge, Meter } from "../../metrics/meter.ts";
import type { Random } from "../../random/random.ts";
import type { KubeClient, ListPage, WatchEvent } from "../kube-client.ts";
import type { KubeError } from "../kube-error.ts";
import { type IndexFunction, type ObjectView, objectKey } from "../object-view.ts";
import { ObjectStore } from "./object-store.ts";
import { OwnWrites, type WriteOutcome } from "./own-writes.ts";
import type { NextEffect, ReflectorInput, ReflectorState, StoreEffect } from "./reflector-step.ts";
import { initialReflectorState, reflectorStep } from "./reflector-step.ts";
import { slimObject } from "./slim-object.ts";

export interface ReflectorOptions<T extends KubeObject> {
  readonly resource: Resource;
  readonly namespace?: string;
  readonly labelSelector?: string;
  readonly fieldSelector?: string;
  /** Of a list. @default 500 */
  readonly pageSize?: number;
  readonly indexes?: Readonly<Record<string, IndexFunction<T>>>;
  /**
   * Drops what nobody reads, to save memory; managedFields are always dropped. Keep `metadata`. `before` is what it made of
   * the object as last known, so that parts which are the same can be the very same.
   */
  readonly project?: (object: T, before: T | undefined) => T;
}

export interface ReflectorDeps {
  readonly client: Pick<KubeClient, "list" | "watch">;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
  readonly meter: Meter;
}

/** What an operator may ask about a reflector. */
export interface ReflectorStatus {
  readonly resource: Resource;
  readonly phase: "idle" | "listing" | "watching" | "waiting";
  /** One full list has been taken in, maybe long ago. */
  readonly synced: boolean;
  /** Why the last request failed; kind "no-such-resource" names a missing CRD. Absent when all is well. */
  readonly error?: KubeError;
}

const PAGE_SIZE = 500;
const LIST_TIMEOUT_MS = 60_000;
/** How much longer than its timeout a watch may last: then it is cut, whatever the server thinks. */
const WATCH_GRACE_MS = 10_000;

/**
 * Keeps a local view of one collection equal to the server's. Lost connections never empty the view:
 * it keeps the last known objects until the next full list says otherwise.
 */
export class Reflector<T extends KubeObject> {
  readonly #options: ReflectorOptions<T>;
  readonly #deps: ReflectorDeps;
  readonly #store: ObjectStore<T>;
  readonly #ownWrites = new OwnWrites<T>();
  readonly #labels: { readonly resource: string };
  readonly #failures: Counter;
  readonly #objects: Gauge;
  #state: ReflectorState<T> = initialReflectorState();
  #running: Promise<void> | undefined;

  constructor(options: ReflectorOptions<T>, deps: ReflectorDeps) {
    this.#options = options;
    this.#deps = { ...deps, log: deps.log.child({ resource: options.resource.plural }) };
    this.#store = new ObjectStore<T>(
      { ...(options.indexes && { indexes: options.indexes }) },
      { log: this.#deps.log },
    );
    this.#labels = { resource: options.resource.plural };
    this.#failures = deps.meter.counter({
      name: "isthmus_kube_reflector_failures_total",
      help: "Lists and watches that failed.",
      labels: ["resource"],
    });
    this.#objects = deps.meter.gauge({
      name: "isthmus_kube_reflector_objects_count",
      help: "Objects in the local view.",
      labels: ["resource"],
    });
  }

  get view(): ObjectView<T> {
    return this.#store;
  }

  /**
   * Makes a write of ours to one object of the collection, and shows its outcome in the view at once, ahead of the
   * watch: who wrote sees what was written. Only for a reflector of a whole collection.
   * @param outcomeOf undefined when nothing was written.
   */
  async writeThrough<R>(
    key: string,
    write: () => Promise<R>,
    outcomeOf: (result: R) => WriteOutcome<T> | undefined,
  ): Promise<R> {
    const { namespace, labelSelector, fieldSelector } = this.#options;
    invariant(
      namespace === undefined && labelSelector === undefined && fieldSelector === undefined,
      "what is written through belongs to the collection",
      this.#labels,
    );
    const open = this.#ownWrites.begin(key);
    let outcome: WriteOutcome<T> | undefined;
    try {
      const result = await write();
      if (this.#store.hasSynced()) outcome = outcomeOf(result);
      return result;
    } finally {
      if (this.#ownWrites.end(open, outcome, this.#store.get(key))) this.#show(key, outcome);
    }
  }

  status(): ReflectorStatus {
    const { phase, synced, error } = this.#state;
    return {
      resource: this.#options.resource,
      phase: phase.kind,
      synced,
      ...(error !== undefined && { error }),
    };
  }

  /** Runs in the background until the signal aborts; once only. `stopped` tells when it is over. */
  start(signal: AbortSignal): void {
    invariant(this.#running === undefined, "a reflector starts once", this.#labels);
    this.#running = this.#run(signal).catch((error: unknown) => {
      this.#deps.log.error("reflector failed", { err: error });
    });
  }

  /** Resolves when a started reflector has ended. */
  async stopped(): Promise<void> {
    await this.#running;
  }

  /** Resolves to true once the view has synced, to false when the signal aborts first. */
  synced(signal: AbortSignal): Promise<boolean> {
    return new Promise((resolve) => {
      const finish = (synced: boolean): void => {
        signal.removeEventListener("abort", onAbort);
        unsubscribe();
        resolve(synced);
      };
      const onAbort = (): void => finish(false);
      const unsubscribe = this.#store.subscribe((event) => {
        if (event.kind === "synced") finish(true);
      });
      if (this.#store.hasSynced()) finish(true);
      else if (signal.aborted) finish(false);
      else signal.addEventListener("abort", onAbort, { once: true });
    });
  }

  async #run(signal: AbortSignal): Promise<void> {
    let next = this.#toNext({ kind: "started" });
    while (!signal.aborted) next = await this.#advance(next, signal);
  }

  /** A function of its own, which ends: what it took in, a page of a list, must not be held as long as the watch that follows. */
  async #advance(effect: NextEffect, signal: AbortSignal): Promise<NextEffect> {
    return this.#toNext(await this.#perform(effect, signal));
  }

  #toNext(input: ReflectorInput<T>): NextEffect {
    const next = this.#step(input);
    invariant(next !== undefined, "only events leave a reflector where it is", { input });
    return next;
  }

  /** Takes one input in: the store changes at once; what waits for the outside is returned. */
  #step(input: ReflectorInput<T>): NextEffect | undefined {
    const { state, effects, next } = reflectorStep(this.#state, input, this.#deps.random);
    this.#state = state;
    for (const effect of effects) this.#applyToStore(effect);
    if (effects.length > 0) this.#objects.set(this.#store.size, this.#labels);
    return next;
  }

  #applyToStore(effect: StoreEffect<T>): void {
    switch (effect.kind) {
      case "replace":
        this.#ownWrites.relisted();
        return this.#store.replace(effect.items);
      case "put":
        if (this.#ownWrites.takesPut(effect.object)) this.#store.put(effect.object);
        return;
      case "remove":
        if (this.#ownWrites.takesRemove(effect.object)) {
          this.#store.remove(objectKey(effect.object));
        }
        return;
      case "mark-synced":
        this.#deps.log.info("collection synced", { objects: this.#store.size });
        return this.#store.markSynced();
    }
  }

  #show(key: string, outcome: WriteOutcome<T> | undefined): void {
    if (outcome?.kind === "written") this.#store.put(this.#slim(outcome.object));
    else this.#store.remove(key);
    this.#objects.set(this.#store.size, this.#labels);
  }

  async #perform(effect: NextEffect, signal: AbortSignal): Promise<ReflectorInput<T>> {
    switch (effect.kind) {
      case "list":
        return this.#list(effect.continueToken, signal);
      case "watch":
        return this.#watch(effect.resourceVersion, effect.timeoutSeconds, signal);
      case "wait":
        return this.#wait(effect.delayMs, signal);
    }
  }

  async #wait(delayMs: number, signal: AbortSignal): Promise<ReflectorInput<T>> {
    if (!signal.aborted) {
      const { error, failures: attempt } = this.#state;
      this.#failures.add(1, this.#labels);
      this.#deps.log.warn("list or watch failed", { attempt, delayMs, error });
      await sleep(this.#deps.clock, delayMs, signal);
    }
    return { kind: "waited" };
  }

  async #list(continueToken: string | undefined, signal: AbortSignal): Promise<ReflectorInput<T>> {
    const { resource, pageSize } = this.#options;
    const listed = await this.#deps.client.list<T>(
      resource,
      {
        ...this.#selection(),
        limit: pageSize ?? PAGE_SIZE,
        ...(continueToken !== undefined && { continueToken }),
      },
      { signal, timeoutMs: LIST_TIMEOUT_MS },
    );
    if (!listed.ok) return { kind: "list-failed", error: listed.error };
    const page: ListPage<T> = { ...listed.value, items: listed.value.items.map(this.#slim) };
    return { kind: "page", page };
  }

  async #watch(
    resourceVersion: string,
    timeoutSeconds: number,
    signal: AbortSignal,
  ): Promise<ReflectorInput<T>> {
    const { client, clock } = this.#deps;
    const startMs = clock.monotonicMs();
    using limit = deadline(clock, timeoutSeconds * 1_000 + WATCH_GRACE_MS, signal);
    const query = { ...this.#selection(), resourceVersion, timeoutSeconds };
    const events = client.watch<T>(this.#options.resource, query, limit.signal);
    for (;;) {
      const next = await events.next();
      if (next.done === true) {
        const lastedMs = clock.monotonicMs() - startMs;
        return {
          kind: "watch-ended",
          lastedMs,
          ...(next.value !== undefined && { error: next.value }),
        };
      }
      this.#step({ kind: "event", event: this.#slimEvent(next.value) });
    }
  }

  #selection(): { namespace?: string; labelSelector?: string; fieldSelector?: string } {
    const { namespace, labelSelector, fieldSelector } = this.#options;
    return {
      ...(namespace !== undefined && { namespace }),
      ...(labelSelector !== undefined && { labelSelector }),
      ...(fieldSelector !== undefined && { fieldSelector }),
    };
  }

  #slimEvent(event: WatchEvent<T>): WatchEvent<T> {
    return event.kind === "bookmark" ? event : { ...event, object: this.#slim(event.object) };
  }

  readonly #slim = (object: T): T => {
    const slim = slimObject(object);
    const { project } = this.#options;
    return project === undefined ? slim : project(slim, this.#store.get(objectKey(slim)));
  };
}
