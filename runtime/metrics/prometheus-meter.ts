import * as prom from "prom-client";
import type { Counter, Gauge, LabelValues, Meter, MetricOptions } from "./meter.ts";
import type { MetricsSnapshot } from "./summed-metrics.ts";

/**
 * Meter over prom-client with a registry of its own; `text` is the scrape in the Prometheus exposition format.
 * Asking for a name again gives the same metric: parts that exist several times in a process share theirs.
 */
export class PrometheusMeter implements Meter {
  readonly #registry = new prom.Registry();

  constructor() {
    prom.collectDefaultMetrics({ register: this.#registry });
  }

  counter(options: MetricOptions): Counter {
    const known = this.#registry.getSingleMetric(options.name);
    const metric = known instanceof prom.Counter ? known : new prom.Counter(this.#config(options));
    return {
      add: (amount, labels) => metric.inc({ ...labels }, amount),
      remove: (labels) => metric.remove({ ...labels }),
    };
  }

  gauge(options: MetricOptions): Gauge {
    const known = this.#registry.getSingleMetric(options.name);
    const metric =
      known instanceof prom.Gauge
        ? known
        : new prom.Gauge({ ...this.#config(options), aggregator: "max" });
    return {
      set: (value, labels) => metric.set({ ...labels }, value),
      remove: (labels) => metric.remove({ ...labels }),
    };
  }

  histogram(options: MetricOptions & { readonly buckets: readonly number[] }): {
    observe(value: number, labels?: LabelValues): void;
  } {
    const known = this.#registry.getSingleMetric(options.name);
    const metric =
      known instanceof prom.Histogram
        ? known
        : new prom.Histogram({ ...this.#config(options), buckets: [...options.buckets] });
    return { observe: (value, labels) => metric.observe({ ...labels }, value) };
  }

  get contentType(): string {
    return this.#registry.contentType;
  }

  text(): Promise<string> {
    return this.#registry.metrics();
  }

  /** For `sumMetrics` in another process. */
  snapshot(): Promise<MetricsSnapshot> {
    return this.#registry.getMetricsAsJSON();
  }

  #config(options: MetricOptions): {
    name: string;
    help: string;
    labelNames: string[];
    registers: prom.Registry[];
  } {
    return {
      name: options.name,
      help: options.help,
      labelNames: [...(options.labels ?? [])],
      registers: [this.#registry],
    };
  }
}
