import type { Clock } from "../clock/clock.ts";
import { deadline } from "../clock/deadline.ts";
import { sleep } from "../clock/sleep.ts";
import type { Logger } from "../log/log.ts";
import type { Counter, Meter } from "../metrics/meter.ts";
import type { OtlpPost } from "./otlp-post.ts";
import type { Span, Tracer } from "./tracer.ts";

export interface OtlpOptions {
  /** Of the process: `service.name` and what else tells it from others. */
  readonly resource: Readonly<Record<string, string>>;
}

interface Deps {
  readonly clock: Clock;
  readonly log: Logger;
  readonly meter: Meter;
  readonly post: OtlpPost;
}

const EVERY_MS = 2_000;
const TIMEOUT_MS = 10_000;
const BATCH_MAX = 512;
const WAITING_MAX = 4_096;

/** Sends spans to a collector, several at a time. What it does not take is kept for a while; beyond a bound the oldest are dropped and counted. */
export class OtlpTracer implements Tracer {
  readonly #options: OtlpOptions;
  readonly #deps: Deps;
  readonly #dropped: Counter;
  /** BOUNDED: by WAITING_MAX. */
  #waiting: Span[] = [];
  #isAway = false;

  constructor(options: OtlpOptions, deps: Deps) {
    this.#options = options;
    this.#deps = deps;
    this.#dropped = deps.meter.counter({
      name: "isthmus_trace_dropped_spans_total",
      help: "Spans that the collector was not there for in time.",
    });
  }

  span(span: Span): void {
    this.#waiting.push(span);
    if (this.#waiting.length <= WAITING_MAX) return;
    this.#waiting.shift();
    this.#dropped.add(1);
  }

  /** Sends until the signal aborts, and then what is left, once. */
  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await sleep(this.#deps.clock, EVERY_MS, signal);
      while (this.#waiting.length > 0 && (await this.#send())) if (signal.aborted) return;
    }
  }

  /** @returns whether the collector has taken a batch. */
  async #send(): Promise<boolean> {
    const { clock, log } = this.#deps;
    const batch = this.#waiting.splice(0, BATCH_MAX);
    using limit = deadline(clock, TIMEOUT_MS);
    const problem = await this.#deps.post(requestOf(batch, this.#options.resource), limit.signal);
    if (problem !== undefined && !this.#isAway) log.warn("spans not sent", { err: problem });
    this.#isAway = problem !== undefined;
    if (problem === undefined) return true;
    const kept = [...batch, ...this.#waiting];
    this.#dropped.add(Math.max(0, kept.length - WAITING_MAX));
    this.#waiting = kept.slice(-WAITING_MAX);
    return false;
  }
}

/** ExportTraceServiceRequest in its JSON encoding: ids in hexadecimal, 64-bit numbers as text. */
function requestOf(spans: readonly Span[], resource: OtlpOptions["resource"]): object {
  return {
    resourceSpans: [
      {
        resource: { attributes: attributesOf(resource) },
        scopeSpans: [
          {
            scope: { name: "isthmus" },
            spans: spans.map(({ startMs, endMs, attributes, ...span }) => ({
              ...span,
              kind: 1,
              startTimeUnixNano: nanos(startMs),
              endTimeUnixNano: nanos(Math.max(startMs, endMs)),
              attributes: attributesOf(attributes),
            })),
          },
        ],
      },
    ],
  };
}

function nanos(ms: number): string {
  return String(BigInt(Math.round(ms * 1_000)) * 1_000n);
}

function attributesOf(attributes: Span["attributes"]): readonly object[] {
  return Object.entries(attributes).map(([key, value]) => ({
    key,
    value: typeof value === "string" ? { stringValue: value } : { doubleValue: value },
  }));
}
