import { hostname } from "node:os";
import type { Clock } from "../../runtime/clock/clock.ts";
import type { Logger } from "../../runtime/log/log.ts";
import type { Meter } from "../../runtime/metrics/meter.ts";
import type { Random } from "../../runtime/random/random.ts";
import { ArrivedWrites } from "./arrived-writes.ts";
import { startTracing } from "./start-tracing.ts";
import { type Effect, spanOfEffect } from "./trace-propagation.ts";

export interface TracedWrites {
  readonly writes: ArrivedWrites;
  readonly run: (signal: AbortSignal) => Promise<void>;
}

/**
 * What tells a collector when a process of a member does what a change asks for; undefined: nobody wants to know, and nothing is
 * looked at for it.
 * @param self which member it is of; undefined: it was not told, or not yet
 */
export async function traceWrites(
  {
    otlpEndpoint,
    self,
    process,
    effect,
  }: {
    readonly otlpEndpoint: string | undefined;
    readonly self: () => string | undefined;
    readonly process: "dns" | "proxy" | "gateway";
    readonly effect: Effect;
  },
  {
    clock,
    log,
    meter,
    random,
  }: {
    readonly clock: Clock;
    readonly log: Logger;
    readonly meter: Meter;
    readonly random: Random;
  },
): Promise<TracedWrites | undefined> {
  // Workers of one server have one host's name.
  const server = `${hostname()}-${Math.floor(random.next() * 2 ** 32).toString(36)}`;
  const cluster = self();
  const named = {
    "service.name": `isthmus-${process}`,
    "service.instance.id": server,
    ...(cluster === undefined ? {} : { "isthmus.cluster": cluster }),
  };
  const trace = await startTracing(named, otlpEndpoint, { clock, log, meter });
  if (trace === undefined) return undefined;
  const writes = new ArrivedWrites(clock, (write) =>
    trace.tracer.span(spanOfEffect(effect, write, { self: self(), server })),
  );
  return { writes, run: trace.run };
}
