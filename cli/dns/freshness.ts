import type { Clock, Timer } from "../../runtime/clock/clock.ts";
import type { ReflectorStatus } from "../../runtime/kube/reflector/reflector.ts";

export interface FreshnessOptions {
  /** Without a sign of life for longer, what a collection says counts as stale. 0: never. */
  readonly staleAfterMs: number;
}

const SAMPLE_MS = 1000;

/**
 * Whether reflected collections still follow their server. A process that alone has lost it must not go on as if nothing
 * had happened: those beside it know more. When the server is away for all, nobody takes note of readiness either.
 */
export class Freshness {
  readonly #reflectors: readonly { status(): ReflectorStatus }[];
  readonly #options: FreshnessOptions;
  readonly #clock: Clock;
  /** BOUNDED: by the reflectors. */
  readonly #goodAtMs = new Map<{ status(): ReflectorStatus }, number>();
  #timer: Timer | undefined;

  constructor(
    reflectors: readonly { status(): ReflectorStatus }[],
    options: FreshnessOptions,
    clock: Clock,
  ) {
    this.#reflectors = reflectors;
    this.#options = options;
    this.#clock = clock;
  }

  start(): void {
    this.#sample();
    this.#timer = this.#clock.setTimer(SAMPLE_MS, () => this.start());
  }

  stop(): void {
    this.#timer?.cancel();
  }

  /** True, or which collection is stale, since when, and why. */
  check(): true | string {
    this.#sample();
    const { staleAfterMs } = this.#options;
    if (staleAfterMs === 0) return true;
    const nowMs = this.#clock.monotonicMs();
    const stale = this.#reflectors.flatMap((reflector) => {
      const ageMs = nowMs - (this.#goodAtMs.get(reflector) ?? nowMs);
      if (ageMs <= staleAfterMs) return [];
      const { resource, error } = reflector.status();
      const seconds = Math.round(ageMs / 1000);
      return [`${resource.plural} not followed for ${seconds} s: ${error?.message ?? "unknown"}`];
    });
    return stale.length === 0 ? true : stale.join("; ");
  }

  #sample(): void {
    for (const reflector of this.#reflectors) {
      const isGood = reflector.status().error === undefined;
      if (isGood || !this.#goodAtMs.has(reflector)) {
        this.#goodAtMs.set(reflector, this.#clock.monotonicMs());
      }
    }
  }
}
