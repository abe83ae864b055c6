import type { Result } from "../../../api/result.ts";
import { backoffMs } from "../../../runtime/backoff/backoff.ts";
import type { Clock } from "../../../runtime/clock/clock.ts";
import { sleep } from "../../../runtime/clock/sleep.ts";
import type { Random } from "../../../runtime/random/random.ts";
import type { Tunnel } from "./tunnel.ts";

const RETRY = { firstMs: 200, maxMs: 5_000 };
/** A tunnel that lasted so long was a good one: the next try is a first one again. */
const GOOD_AFTER_MS = 10_000;
/** Part of the rest of the peer's certificate after which the tunnel is replaced. */
const REPLACE_AFTER = 0.8;
/** Timers of Node hold no more. */
const MAX_TIMER_MS = 2 ** 31 - 1;

/** A tunnel that came up, and when it goes. */
export interface DialledTunnel {
  readonly tunnel: Tunnel;
  readonly down: Promise<void>;
}

interface Deps {
  readonly dial: (signal: AbortSignal) => Promise<Result<DialledTunnel, string>>;
  readonly onFailed: (reason: string) => void;
  readonly clock: Clock;
  readonly random: Random;
}

/**
 * Keeps one tunnel to one place: dials, and again with jittered backoff when it fails or ends. A tunnel is replaced before the
 * certificates behind it expire, and when `renew` is called: the new one is up before the old one takes no more streams.
 */
export class DialSlot {
  readonly #deps: Deps;
  readonly #end = new AbortController();
  #renew: () => void = () => undefined;
  #tunnel: Tunnel | undefined;

  constructor(deps: Deps) {
    this.#deps = deps;
  }

  start(): void {
    void this.#run();
  }

  /** Whether its tunnel is there now. */
  get isUp(): boolean {
    return this.#tunnel !== undefined;
  }

  /** Shows our present certificate to the peer by a new tunnel. */
  renew(): void {
    this.#renew();
  }

  /** Dials no more. The tunnel drains. */
  stop(): void {
    this.#end.abort();
    this.#tunnel?.drain();
  }

  async #run(): Promise<void> {
    const { clock, random, dial, onFailed } = this.#deps;
    const { signal } = this.#end;
    let attempt = 0;
    while (!signal.aborted) {
      const dialled = await dial(signal);
      if (signal.aborted) {
        if (dialled.ok) dialled.value.tunnel.drain();
        return;
      }
      if (!dialled.ok) {
        onFailed(dialled.error);
        await sleep(clock, backoffMs(RETRY, attempt, random), signal);
        attempt += 1;
        continue;
      }
      this.#tunnel?.drain();
      this.#tunnel = dialled.value.tunnel;
      const upAtMs = clock.monotonicMs();
      const ended = await this.#untilDue(dialled.value);
      if (signal.aborted || ended === "due") continue;
      this.#tunnel = undefined;
      attempt = clock.monotonicMs() - upAtMs >= GOOD_AFTER_MS ? 0 : attempt + 1;
      await sleep(clock, backoffMs(RETRY, attempt, random), signal);
    }
  }

  async #untilDue({ tunnel, down }: DialledTunnel): Promise<"down" | "due"> {
    const { clock, random } = this.#deps;
    const leftMs = tunnel.facts.expiresAtMs - clock.nowMs();
    const spread = REPLACE_AFTER + (1 - REPLACE_AFTER) * 0.5 * random.next();
    const due = Promise.withResolvers<"due">();
    const timer = clock.setTimer(Math.min(MAX_TIMER_MS, leftMs * spread), () => due.resolve("due"));
    this.#renew = () => due.resolve("due");
    const onStop = (): void => due.resolve("due");
    this.#end.signal.addEventListener("abort", onStop, { once: true });
    const ended = await Promise.race([due.promise, down.then(() => "down" as const)]);
    timer.cancel();
    this.#end.signal.removeEventListener("abort", onStop);
    return ended;
  }
}
