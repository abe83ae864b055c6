import type { ClusterId } from "../../api/cluster-id.ts";
import { ok, type Result } from "../../api/result.ts";
import type { Clock } from "../../runtime/clock/clock.ts";
import { sleep } from "../../runtime/clock/sleep.ts";
import { type Changing, unchanging } from "../../runtime/config/changing.ts";
import type { ListenAddress } from "../../runtime/net/listen-address.ts";
import type { ProbeNetwork } from "./probe-network.ts";

/** How far other clusters are with what they were told last; "cannot": nobody can be told now. */
export type Telling = "told" | "waiting" | "cannot";

/** Time for the hub to store that this responder is none any more, milliseconds: then the process ends in any case. */
const TELL_MS = 1_000;
/** From there to the probers of other clusters. */
const SPREAD_MS = 300;
const LOOK_MS = 10;

/** What others are told of a process that answers probes. */
export interface ToldResponder extends Changing<readonly string[]> {
  /** What `current` was, of a process that stops. */
  readonly parted: readonly string[];
  /** Who tells other clusters of it, from now on. Returns the end of that. */
  toldBy(telling: () => Telling): () => void;
}

/** Of a process that answers none. */
export const NO_RESPONDER: ToldResponder = {
  ...unchanging([]),
  parted: [],
  toldBy: () => () => undefined,
};

/** Answers probes as long as its process lives, whoever leads; its addresses, until it parts. */
export class OwnResponder implements ToldResponder {
  readonly #clock: Clock;
  readonly #stop = new AbortController();
  /** BOUNDED: by the parts of the program that subscribe. */
  readonly #listeners = new Set<() => void>();
  #addresses: readonly string[];
  #parted: readonly string[] = [];
  #telling: (() => Telling) | undefined;

  private constructor(addresses: readonly string[], clock: Clock, stop: AbortController) {
    this.#addresses = addresses;
    this.#clock = clock;
    this.#stop = stop;
  }

  /** @param listen undefined: nothing is answered, and nothing is told. */
  static async start(
    cluster: ClusterId,
    listen: ListenAddress | undefined,
    { clock, probes }: { readonly clock: Clock; readonly probes: Pick<ProbeNetwork, "respond"> },
  ): Promise<Result<OwnResponder, string>> {
    const stop = new AbortController();
    if (listen === undefined) return ok(new OwnResponder([], clock, stop));
    const responding = await probes.respond(cluster, listen, stop.signal);
    return responding.ok ? ok(new OwnResponder(responding.value, clock, stop)) : responding;
  }

  /** As peers dial it. */
  get current(): readonly string[] {
    return this.#addresses;
  }

  get parted(): readonly string[] {
    return this.#parted;
  }

  subscribe(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  toldBy(telling: () => Telling): () => void {
    this.#telling = telling;
    return () => {
      if (this.#telling === telling) this.#telling = undefined;
    };
  }

  /** Other clusters are told of it no more, and know when this resolves, if they can be told; it goes on answering. */
  async part(): Promise<void> {
    if (this.#addresses.length === 0) return;
    this.#parted = this.#addresses;
    this.#addresses = [];
    for (const listener of this.#listeners) listener();
    const endMs = this.#clock.monotonicMs() + TELL_MS;
    while (this.#telling?.() === "waiting" && this.#clock.monotonicMs() < endMs) {
      await sleep(this.#clock, LOOK_MS, this.#stop.signal);
    }
    if (this.#telling?.() === "told") await sleep(this.#clock, SPREAD_MS, this.#stop.signal);
  }

  /** Idempotent. */
  stop(): void {
    this.#stop.abort();
  }
}
