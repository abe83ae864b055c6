import { hostname } from "node:os";
import type { MemberProcess } from "../process/member-process.ts";
import { startTracing } from "../tracing/start-tracing.ts";
import { spanOfPublished } from "../tracing/trace-propagation.ts";
import type { DnsSettings } from "./dns-settings.ts";
import { PublishedWrites } from "./published-writes.ts";

/** What tells a collector when the DNS server answers by a change; undefined: nobody wants to know, and nothing is looked at for it. */
export async function traceWrites(
  { otlpEndpoint, clusterId: self }: Pick<DnsSettings, "otlpEndpoint" | "clusterId">,
  { clock, log, meter, random }: MemberProcess["deps"],
): Promise<
  | { readonly writes: PublishedWrites; readonly run: (signal: AbortSignal) => Promise<void> }
  | undefined
> {
  // Workers of one server have one host's name.
  const server = `${hostname()}-${Math.floor(random.next() * 2 ** 32).toString(36)}`;
  const named = {
    "service.name": "isthmus-dns",
    "service.instance.id": server,
    ...(self === undefined ? {} : { "isthmus.cluster": self }),
  };
  const trace = await startTracing(named, otlpEndpoint, { clock, log, meter });
  if (trace === undefined) return undefined;
  const writes = new PublishedWrites(clock, (published) =>
    trace.tracer.span(spanOfPublished(published, { self, server })),
  );
  return { writes, run: trace.run };
}
