import { z } from "zod";
import type { Clock } from "../../runtime/clock/clock.ts";
import type { Logger } from "../../runtime/log/log.ts";
import type { Meter } from "../../runtime/metrics/meter.ts";
import type { Tracer } from "../../runtime/trace/tracer.ts";

/** Of every process that has a part in a change's way. */
export const tracingSettings = {
  otlpEndpoint: z
    .url({ protocol: /^https?$/ })
    .optional()
    .describe(
      "base address of an OpenTelemetry collector (OTLP over HTTP), such as http://collector:4318, that is told of each change's hops; default: nobody is",
    ),
} as const;

export interface Tracing {
  readonly tracer: Tracer;
  /** Sends until the signal aborts, and then what is left. */
  readonly run: (signal: AbortSignal) => Promise<void>;
}

/** Loaded only where it is wanted. @param resource what tells this process from others, `service.name` first */
export async function startTracing(
  resource: Readonly<Record<string, string>>,
  endpoint: string | undefined,
  deps: { readonly clock: Clock; readonly log: Logger; readonly meter: Meter },
): Promise<Tracing | undefined> {
  if (endpoint === undefined) return undefined;
  const { OtlpTracer } = await import("../../runtime/trace/otlp-tracer.ts");
  const { otlpPost } = await import("../../runtime/trace/otlp-post.ts");
  const tracer = new OtlpTracer({ resource }, { ...deps, post: otlpPost(endpoint) });
  return { tracer, run: (signal) => tracer.run(signal) };
}
