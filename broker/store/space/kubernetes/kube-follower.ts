import { invariant } from "../../../../api/invariant.ts";
import type { KubeObject } from "../../../../api/kube/object.ts";
import type { Clock } from "../../../../runtime/clock/clock.ts";
import { deadline } from "../../../../runtime/clock/deadline.ts";
import { sleep } from "../../../../runtime/clock/sleep.ts";
import type { KubeClient } from "../../../../runtime/kube/kube-client.ts";
import {
  initialReflectorState,
  type NextEffect,
  type ReflectorInput,
  type ReflectorState,
  reflectorStep,
  type StoreEffect,
} from "../../../../runtime/kube/reflector/reflector-step.ts";
import type { Logger } from "../../../../runtime/log/log.ts";
import type { Random } from "../../../../runtime/random/random.ts";
import type { SpaceListener } from "../space.ts";
import { PAGE, type SpaceObjectKind, toItem } from "./space-object.ts";

interface Options {
  readonly namespace: string;
  readonly labelSelector: string;
  readonly kind: SpaceObjectKind;
}

interface Deps {
  readonly client: Pick<KubeClient, "list" | "watch">;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
}

const LIST_TIMEOUT_MS = 60_000;
/** How much longer than its timeout a watch may last: then it is cut, whatever the server thinks. */
const WATCH_GRACE_MS = 10_000;

/**
 * Follows the objects of a space as reflectors do (runtime/kube/reflector), but hands on what it hears instead of keeping
 * it: the order of changes matters here, and nothing is to be held twice.
 */
export class KubeFollower {
  readonly #options: Options;
  readonly #listener: SpaceListener;
  readonly #deps: Deps;
  readonly #stopping = new AbortController();
  #work: Promise<void> | undefined;
  #state: ReflectorState<KubeObject> = initialReflectorState();
  /** Ends what is under way, so that a full list comes next. */
  #restarting = new AbortController();

  constructor(options: Options, listener: SpaceListener, deps: Deps) {
    this.#options = options;
    this.#listener = listener;
    this.#deps = deps;
  }

  start(): void {
    this.#work ??= this.#run();
  }

  restart(): void {
    this.#restarting.abort();
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    this.#restarting.abort();
    await this.#work;
  }

  async #run(): Promise<void> {
    let input: ReflectorInput<KubeObject> = { kind: "started" };
    while (!this.#stopping.signal.aborted) {
      if (this.#restarting.signal.aborted) {
        this.#restarting = new AbortController();
        this.#state = initialReflectorState();
        input = { kind: "started" };
      }
      const next = this.#step(input);
      invariant(next !== undefined, "only events leave a follower where it is", { input });
      input = await this.#perform(next, this.#restarting.signal);
    }
  }

  #step(input: ReflectorInput<KubeObject>): NextEffect | undefined {
    const { state, effects, next } = reflectorStep(this.#state, input, this.#deps.random);
    this.#state = state;
    for (const effect of effects) this.#tell(effect);
    return next;
  }

  #tell(effect: StoreEffect<KubeObject>): void {
    const { kind } = this.#options;
    if (effect.kind === "replace") {
      this.#listener.snapshot(effect.items.flatMap((object) => toItem(kind, object) ?? []));
    } else if (effect.kind === "put") {
      const item = toItem(kind, effect.object);
      if (item !== undefined) this.#listener.changes([{ kind: "put", item }]);
    } else if (effect.kind === "remove") {
      this.#listener.changes([{ kind: "removed", name: effect.object.metadata.name }]);
    }
  }

  async #perform(effect: NextEffect, signal: AbortSignal): Promise<ReflectorInput<KubeObject>> {
    switch (effect.kind) {
      case "list":
        return this.#list(effect.continueToken, signal);
      case "watch":
        return this.#watch(effect.resourceVersion, effect.timeoutSeconds, signal);
      case "wait": {
        const { error } = this.#state;
        this.#deps.log.warn("API server not followed", { error, delayMs: effect.delayMs });
        await sleep(this.#deps.clock, effect.delayMs, signal);
        return { kind: "waited" };
      }
    }
  }

  async #list(
    continueToken: string | undefined,
    signal: AbortSignal,
  ): Promise<ReflectorInput<KubeObject>> {
    const { namespace, labelSelector, kind } = this.#options;
    const paging = continueToken === undefined ? {} : { continueToken };
    const query = { namespace, labelSelector, limit: PAGE, ...paging };
    const options = { signal, timeoutMs: LIST_TIMEOUT_MS };
    const listed = await this.#deps.client.list<KubeObject>(kind.resource, query, options);
    return listed.ok
      ? { kind: "page", page: listed.value }
      : { kind: "list-failed", error: listed.error };
  }

  async #watch(
    resourceVersion: string,
    timeoutSeconds: number,
    signal: AbortSignal,
  ): Promise<ReflectorInput<KubeObject>> {
    const { client, clock } = this.#deps;
    const { namespace, labelSelector, kind } = this.#options;
    const startMs = clock.monotonicMs();
    using limit = deadline(clock, timeoutSeconds * 1_000 + WATCH_GRACE_MS, signal);
    const query = { namespace, labelSelector, resourceVersion, timeoutSeconds };
    const events = client.watch<KubeObject>(kind.resource, query, limit.signal);
    for (;;) {
      const next = await events.next();
      // What is still heard of a watch that is given up is not told: a snapshot comes next.
      if (next.done !== true && signal.aborted) continue;
      if (next.done !== true) {
        this.#step({ kind: "event", event: next.value });
        continue;
      }
      const lastedMs = clock.monotonicMs() - startMs;
      const error = next.value;
      return { kind: "watch-ended", lastedMs, ...(error !== undefined && { error }) };
    }
  }
}
