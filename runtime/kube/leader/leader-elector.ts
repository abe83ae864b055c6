import { invariant } from "../../../api/invariant.ts";
import type { Lease } from "../../../api/kube/lease.ts";
import { LEASES } from "../../../api/kube/lease.ts";
import { microTime } from "../../../api/kube/micro-time.ts";
import { apiVersionOf } from "../../../api/kube/object.ts";
import type { Clock, Timer } from "../../clock/clock.ts";
import { sleep } from "../../clock/sleep.ts";
import type { Logger } from "../../log/log.ts";
import type { Random } from "../../random/random.ts";
import type { KubeClient, ObjectRef } from "../kube-client.ts";
import type {
  LeaderEffect,
  LeaderInput,
  LeaderState,
  LeaderTimes,
  LeaseSpec,
} from "./leader-step.ts";
import { isLeading, leaderStep } from "./leader-step.ts";

export interface LeaderElectorOptions {
  readonly namespace: string;
  /** Of the Lease. */
  readonly name: string;
  /** Unique to this process, e.g. pod name and a random part. */
  readonly identity: string;
  /** @default lease 15 s, renew deadline 10 s, retry period 2 s: client-go's */
  readonly times?: LeaderTimes;
}

export interface LeaderElectorDeps {
  readonly client: Pick<KubeClient, "get" | "create" | "update">;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
}

const TIMES: LeaderTimes = {
  leaseDurationMs: 15_000,
  renewDeadlineMs: 10_000,
  retryPeriodMs: 2_000,
};
const CALL_TIMEOUT_MS = 5_000;
const RELEASE_TIMEOUT_MS = 2_000;

/** Stands for election until stopped; one of all candidates for a Lease leads at a time. */
export class LeaderElector {
  readonly #options: LeaderElectorOptions;
  readonly #times: LeaderTimes;
  readonly #deps: LeaderElectorDeps;
  /** BOUNDED: by the parts of the program that subscribe. */
  readonly #listeners = new Set<(leading: boolean) => void>();
  #state: LeaderState = {};
  #told = false;
  #expiry: Timer | undefined;
  #running: Promise<void> | undefined;

  constructor(options: LeaderElectorOptions, deps: LeaderElectorDeps) {
    this.#options = options;
    this.#times = options.times ?? TIMES;
    this.#deps = deps;
    const { leaseDurationMs, renewDeadlineMs, retryPeriodMs } = this.#times;
    invariant(
      retryPeriodMs < renewDeadlineMs && renewDeadlineMs < leaseDurationMs,
      "retry period < renew deadline < lease duration",
      { ...this.#times },
    );
  }

  /** Ask before each act that only the leader may do. Turns false by time alone when renewals fail. */
  isLeader(): boolean {
    return isLeading(this.#state, this.#times, this.#deps.clock.monotonicMs());
  }

  /** Called when leadership is won (true) or lost (false). Returns the unsubscribe. */
  subscribe(listener: (leading: boolean) => void): () => void {
    const entry = (leading: boolean): void => listener(leading);
    this.#listeners.add(entry);
    return () => void this.#listeners.delete(entry);
  }

  /** Runs in the background; gives the lease back when the signal aborts. */
  start(signal: AbortSignal): void {
    invariant(this.#running === undefined, "an elector starts once", { name: this.#options.name });
    this.#running = this.#run(signal).catch((error: unknown) => {
      this.#deps.log.error("leader election failed", { err: error });
    });
  }

  /** Resolves when the elector has ended and the lease is given back (or that failed, in bounded time). */
  async stopped(): Promise<void> {
    await this.#running;
  }

  async #run(signal: AbortSignal): Promise<void> {
    let input: LeaderInput = { kind: "tick", nowMs: this.#now() };
    while (!signal.aborted) input = await this.#perform(this.#step(input), signal);
    const release = this.#step({ kind: "stop", nowMs: this.#now() });
    if (release.kind !== "update") return;
    // The run's signal is over: the last word has a deadline of its own.
    const { signal: unaborted } = new AbortController();
    const given = await this.#write(release, unaborted, RELEASE_TIMEOUT_MS);
    if (given.kind === "failed") {
      this.#deps.log.warn("lease not given back", { error: given.error });
    }
  }

  #step(input: LeaderInput): LeaderEffect {
    const { state, effect } = leaderStep(this.#state, input, this.#options.identity, this.#times);
    this.#state = state;
    if (input.kind === "failed") {
      this.#deps.log.warn("lease request failed", { error: input.error, leading: this.#told });
    }
    this.#tell();
    return effect;
  }

  async #perform(effect: LeaderEffect, signal: AbortSignal): Promise<LeaderInput> {
    switch (effect.kind) {
      case "read":
        return this.#read(signal);
      case "create":
      case "update":
        return this.#write(effect, signal, CALL_TIMEOUT_MS);
      case "wait":
      case "none": {
        // A fifth more or less, so that candidates do not ask in step.
        const jitter = 0.8 + 0.4 * this.#deps.random.next();
        await sleep(this.#deps.clock, this.#times.retryPeriodMs * jitter, signal);
        return { kind: "tick", nowMs: this.#now() };
      }
    }
  }

  async #read(signal: AbortSignal): Promise<LeaderInput> {
    const options = { signal, timeoutMs: CALL_TIMEOUT_MS };
    const found = await this.#deps.client.get<Lease>(this.#ref(), options);
    const nowMs = this.#now();
    if (found.ok) return { kind: "read", lease: found.value, nowMs };
    if (found.error.kind === "not-found") return { kind: "read", nowMs };
    return { kind: "failed", error: found.error, nowMs };
  }

  async #write(
    effect: Extract<LeaderEffect, { kind: "create" | "update" }>,
    signal: AbortSignal,
    timeoutMs: number,
  ): Promise<LeaderInput> {
    const { client } = this.#deps;
    const options = { signal, timeoutMs };
    // The term counts from before the request: the server may have taken it at any time since.
    const sentMs = this.#now();
    const written =
      effect.kind === "create"
        ? await client.create<Lease>(LEASES, this.#lease(undefined, effect.spec), options)
        : await client.update<Lease>(LEASES, this.#lease(effect.lease, effect.spec), options);
    const nowMs = this.#now();
    return written.ok
      ? { kind: "written", lease: written.value, sentMs, nowMs }
      : { kind: "failed", error: written.error, nowMs };
  }

  #lease(known: Lease | undefined, { acquired, ...spec }: LeaseSpec): Lease {
    const stamp = microTime(this.#deps.clock.nowMs());
    const { namespace, name } = this.#options;
    return {
      apiVersion: apiVersionOf(LEASES),
      kind: LEASES.kind,
      metadata: known?.metadata ?? { namespace, name },
      spec: { ...known?.spec, ...spec, renewTime: stamp, ...(acquired && { acquireTime: stamp }) },
    };
  }

  #ref(): ObjectRef {
    return { resource: LEASES, namespace: this.#options.namespace, name: this.#options.name };
  }

  /** Tells changes, those that come with time too: a term's end has a timer. */
  #tell(): void {
    this.#expiry?.cancel();
    const leading = this.isLeader();
    if (leading) {
      const leftMs = (this.#state.renewedMs ?? 0) + this.#times.renewDeadlineMs - this.#now();
      this.#expiry = this.#deps.clock.setTimer(Math.ceil(leftMs) + 1, () => this.#tell());
    }
    if (leading === this.#told) return;
    this.#told = leading;
    const { name, identity } = this.#options;
    this.#deps.log.info(leading ? "leadership won" : "leadership lost", { lease: name, identity });
    for (const listener of Array.from(this.#listeners)) {
      try {
        listener(leading);
      } catch (error) {
        this.#deps.log.error("leadership listener failed", { err: error });
      }
    }
  }

  #now(): number {
    return this.#deps.clock.monotonicMs();
  }
}
