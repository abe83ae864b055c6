import type { Clock, Timer } from "../../../runtime/clock/clock.ts";
import type { ApiServerCore } from "./api-server-core.ts";

/**
 * Gives a core its time: background work soon after the write that made it due, bookmarks and ends of watches
 * when they are due. The only timers of the API server.
 */
export class CorePump {
  readonly #core: ApiServerCore;
  readonly #clock: Clock;
  readonly #settleDelayMs: number;
  #settleTimer: Timer | undefined;
  #tickTimer: { readonly atMs: number; readonly timer: Timer } | undefined;
  #stopped = false;

  constructor(
    options: { readonly settleDelayMs: number },
    deps: { readonly core: ApiServerCore; readonly clock: Clock },
  ) {
    this.#settleDelayMs = options.settleDelayMs;
    this.#core = deps.core;
    this.#clock = deps.clock;
  }

  /** To be called after each request. */
  notice(): void {
    if (this.#stopped) return;
    if (this.#core.needsSettling && this.#settleTimer === undefined) {
      this.#settleTimer = this.#clock.setTimer(this.#settleDelayMs, () => this.#settle());
    }
    this.#armTick();
  }

  stop(): void {
    this.#stopped = true;
    this.#settleTimer?.cancel();
    this.#tickTimer?.timer.cancel();
  }

  #settle(): void {
    this.#settleTimer = undefined;
    this.#core.settle(this.#clock.nowMs());
    this.notice();
  }

  #armTick(): void {
    const atMs = this.#core.nextTickMs();
    if (atMs === undefined || (this.#tickTimer !== undefined && this.#tickTimer.atMs <= atMs)) {
      return;
    }
    this.#tickTimer?.timer.cancel();
    const delayMs = Math.max(0, atMs - this.#clock.nowMs());
    const timer = this.#clock.setTimer(delayMs, () => {
      this.#tickTimer = undefined;
      this.#core.tick(this.#clock.nowMs());
      this.notice();
    });
    this.#tickTimer = { atMs, timer };
  }
}
