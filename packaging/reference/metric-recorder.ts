import type { MetricOptions } from "../../runtime/metrics/meter.ts";
import { PrometheusMeter } from "../../runtime/metrics/prometheus-meter.ts";

export interface MetricDefinition {
  readonly name: string;
  readonly type: MetricType;
  readonly labels: readonly string[];
  readonly help: string;
}

/** What the registry of each process holds, by process and metric. */
export type MetricsByProcess = ReadonlyMap<string, ReadonlyMap<string, MetricDefinition>>;

const TYPES = ["counter", "gauge", "histogram"] as const;
type MetricType = (typeof TYPES)[number];

/** Notes what the registries of this process are asked for. A registry belongs to whoever is named when it is first asked. */
export class MetricRecorder {
  readonly #seen = new Map<string, Map<string, MetricDefinition>>();
  readonly #owners = new WeakMap<PrometheusMeter, string>();
  readonly #originals: readonly (() => void)[];
  #name = "";
  #onFirst: () => void = () => undefined;

  constructor() {
    this.#originals = TYPES.map((type) => this.#wrap(type));
  }

  get seen(): MetricsByProcess {
    return this.#seen;
  }

  /** Resolves when the process of this name has asked its registry for a metric. */
  next(name: string): Promise<void> {
    this.#name = name;
    this.#seen.set(name, new Map());
    return new Promise((resolve) => {
      this.#onFirst = resolve;
    });
  }

  stop(): void {
    for (const restore of this.#originals) restore();
  }

  #wrap(type: MetricType): () => void {
    const { prototype } = PrometheusMeter;
    const original: (this: PrometheusMeter, options: never) => unknown = prototype[type];
    const note = (meter: PrometheusMeter, options: MetricOptions): void =>
      this.#note(meter, type, options);
    const noting = function (this: PrometheusMeter, options: MetricOptions): unknown {
      note(this, options);
      return original.call(this, options as never);
    };
    Object.defineProperty(prototype, type, { value: noting, configurable: true, writable: true });
    return () => {
      Object.defineProperty(prototype, type, {
        value: original,
        configurable: true,
        writable: true,
      });
    };
  }

  #note(meter: PrometheusMeter, type: MetricType, { name, help, labels }: MetricOptions): void {
    const owner = this.#owners.get(meter) ?? this.#name;
    this.#owners.set(meter, owner);
    this.#seen.get(owner)?.set(name, { name, type, help, labels: labels ?? [] });
    if (owner === this.#name) this.#onFirst();
  }
}
