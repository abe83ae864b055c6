import { createHash } from "node:crypto";
import type { ClusterId } from "../api/cluster-id.ts";
import type { Hop } from "../broker/client/propagation.ts";
import type { Span } from "../runtime/trace/tracer.ts";

const TRACE_DIGITS = 32;
const SPAN_DIGITS = 16;

/**
 * A change's trace, of which every member tells its own hops: ids are drawn from what all of them know, whose write it is and which,
 * so that nothing travels for it. The exporter's hop is the first; what arrives elsewhere is its child, and what is made of that in turn.
 * @param self whose hop it is
 */
export function spanOfHop(hop: Hop, self: ClusterId): Span {
  const { cluster, sequence, service, startMs, endMs } = hop;
  const write = `${cluster}/${sequence}`;
  const id = (text: string, digits: number): string =>
    createHash("sha256").update(`${write}/${text}`).digest("hex").slice(0, digits);
  const first = id("stored", SPAN_DIGITS);
  const received = id(`received/${self}`, SPAN_DIGITS);
  const ids = {
    stored: { spanId: first },
    received: { spanId: received, parentSpanId: first },
    applied: { spanId: id(`applied/${self}/${service}`, SPAN_DIGITS), parentSpanId: received },
  }[hop.hop];
  return {
    traceId: id("", TRACE_DIGITS),
    ...ids,
    name: hop.hop,
    startMs,
    endMs,
    attributes: { "isthmus.exporter": cluster, "isthmus.service": service },
  };
}
