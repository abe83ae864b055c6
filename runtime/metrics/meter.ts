/** Metrics as a port. Names are `isthmus_<part>_<noun>_<unit>`; label values come from closed sets. */
export interface Meter {
  counter(options: MetricOptions): Counter;
  gauge(options: MetricOptions): Gauge;
  histogram(options: MetricOptions & { readonly buckets: readonly number[] }): Histogram;
}

export interface MetricOptions {
  readonly name: string;
  readonly help: string;
  readonly labels?: readonly string[];
}

export type LabelValues = Readonly<Record<string, string>>;

export interface Counter {
  add(amount: number, labels?: LabelValues): void;
  /** Forgets these label values: what they name is no more. */
  remove(labels: LabelValues): void;
}

export interface Gauge {
  set(value: number, labels?: LabelValues): void;
  /** Forgets these label values: what they name is no more. */
  remove(labels: LabelValues): void;
}

export interface Histogram {
  observe(value: number, labels?: LabelValues): void;
}
