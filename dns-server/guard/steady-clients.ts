export interface SteadyClientLimits {
  /** How long a span of time is in which a client is seen or not. */
  readonly spanMs: number;
  /** Spans that are remembered, the current one included. */
  readonly spans: number;
  /** Spans in which a client must have been seen to be called steady. */
  readonly seenIn: number;
  /** Clients noted in one span; whoever comes later is not. */
  readonly notedMax: number;
  /** Clients called steady, those that were seen most. */
  readonly steadyMax: number;
}

const DEFAULTS: SteadyClientLimits = {
  spanMs: 5_000,
  spans: 24,
  seenIn: 3,
  notedMax: 1_024,
  steadyMax: 64,
};

interface Span {
  readonly startMs: number;
  /** Times seen, by address. BOUNDED: by notedMax. */
  readonly seen: Map<string, number>;
}

/**
 * Who has been asking for a while: resolvers of nodes and clusters, not the addresses that a flood draws. Told of a sample of
 * the clients, and of none while there is a flood, whose addresses would become steady by its lasting.
 */
export class SteadyClients {
  readonly #limits: SteadyClientLimits;
  /** Oldest first. BOUNDED: by spans. */
  readonly #spans: Span[] = [];

  constructor(limits: Partial<SteadyClientLimits> = {}) {
    this.#limits = { ...DEFAULTS, ...limits };
  }

  saw(address: string, nowMs: number): void {
    const { seen } = this.#spanAt(nowMs);
    const times = seen.get(address);
    if (times === undefined && seen.size >= this.#limits.notedMax) return;
    seen.set(address, (times ?? 0) + 1);
  }

  /** Most seen first. Time without samples does not count: after a flood they are as steady as before. */
  steady(): readonly string[] {
    const { seenIn, steadyMax } = this.#limits;
    const total = new Map<string, { spans: number; times: number }>();
    for (const { seen } of this.#spans) {
      for (const [address, times] of seen) {
        const before = total.get(address);
        total.set(address, {
          spans: (before?.spans ?? 0) + 1,
          times: (before?.times ?? 0) + times,
        });
      }
    }
    return [...total]
      .filter(([, { spans }]) => spans >= seenIn)
      .toSorted(([, left], [, right]) => right.times - left.times)
      .slice(0, steadyMax)
      .map(([address]) => address);
  }

  #spanAt(nowMs: number): Span {
    const last = this.#spans.at(-1);
    if (last !== undefined && nowMs - last.startMs < this.#limits.spanMs) return last;
    const made = { startMs: nowMs, seen: new Map<string, number>() };
    this.#spans.push(made);
    if (this.#spans.length > this.#limits.spans) this.#spans.shift();
    return made;
  }
}
