import type { KubeObject } from "../../../api/kube/object.ts";
import type { Clock } from "../../../runtime/clock/clock.ts";
import { sleep } from "../../../runtime/clock/sleep.ts";
import type { KubeClient, WatchEvent } from "../../../runtime/kube/kube-client.ts";
import type { KubeError } from "../../../runtime/kube/kube-error.ts";
import type { Random } from "../../../runtime/random/random.ts";
import type { InMemoryRequest } from "../../../sandbox/apiserver/in-memory-kube-client.ts";
import { overrideKubeClient } from "./override-kube-client.ts";

export interface FaultLevel {
  /** Share of requests that fail. */
  readonly errorRate: number;
  /** Longest extra time of a request; drawn per request. */
  readonly latencyMs: number;
  /** Longest time by which a watch event is late; order is kept. */
  readonly watchDelayMs: number;
}

export const NO_FAULTS: FaultLevel = { errorRate: 0, latencyMs: 0, watchDelayMs: 0 };

const CONFLICT: KubeError = { kind: "conflict", status: 409, message: "injected: conflict" };
const THROTTLED: KubeError = {
  kind: "throttled",
  status: 429,
  retryAfterMs: 1_000,
  message: "injected: too many requests",
};
const BROKEN: KubeError = { kind: "unavailable", status: 500, message: "injected: server error" };
const TIMEOUT: KubeError = { kind: "timeout", message: "injected: no answer" };
const GONE: KubeError = { kind: "gone", status: 410, message: "injected: expired" };
const WRITES: readonly InMemoryRequest["verb"][] = [
  "create",
  "update",
  "patch",
  "delete",
  "deletecollection",
];
const LOST: KubeError = { kind: "unavailable", message: "injected: answer lost after the write" };

/** How a member's API server treats the clients of Isthmus: errors, lost answers, latency, late events. */
export class KubeFaults {
  level: FaultLevel = NO_FAULTS;
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #note: (text: string) => void;

  constructor(deps: {
    readonly clock: Clock;
    readonly random: Random;
    readonly note: (text: string) => void;
  }) {
    this.#clock = deps.clock;
    this.#random = deps.random;
    this.#note = deps.note;
  }

  readonly intercept = async (
    request: InMemoryRequest,
    moment: "before" | "after",
    signal: AbortSignal,
  ): Promise<KubeError | undefined> => {
    const { errorRate, latencyMs } = this.level;
    if (latencyMs > 0) await sleep(this.#clock, this.#random.next() * latencyMs, signal);
    if (errorRate === 0 || this.#random.next() >= errorRate) return undefined;
    const error = this.#draw(request, moment);
    if (error !== undefined) this.#note(`${request.verb} ${request.path}: ${error.message}`);
    if (error === TIMEOUT) await sleep(this.#clock, 2_000, signal);
    return error;
  };

  /** The same client with late watch events. */
  delayWatches(client: KubeClient): KubeClient {
    const late = async (signal: AbortSignal): Promise<void> => {
      const { watchDelayMs } = this.level;
      if (watchDelayMs > 0) await sleep(this.#clock, this.#random.next() * watchDelayMs, signal);
    };
    return overrideKubeClient(client, {
      async *watch<T extends KubeObject>(
        ...[resource, query, signal]: Parameters<KubeClient["watch"]>
      ): AsyncGenerator<WatchEvent<T>, KubeError | undefined, undefined> {
        const events = client.watch<T>(resource, query, signal);
        for (;;) {
          const next = await events.next();
          if (next.done === true) return next.value;
          await late(signal);
          yield next.value;
        }
      },
    });
  }

  #draw({ verb }: InMemoryRequest, moment: "before" | "after"): KubeError | undefined {
    const isWrite = WRITES.includes(verb);
    if (moment === "after") return isWrite ? LOST : undefined;
    const kinds = isWrite
      ? [...(verb === "create" ? [] : [CONFLICT]), THROTTLED, BROKEN, TIMEOUT]
      : [...(verb === "watch" ? [GONE] : []), THROTTLED, BROKEN, TIMEOUT];
    return kinds[Math.floor(this.#random.next() * kinds.length)];
  }
}
