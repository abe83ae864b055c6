import { createHash } from "node:crypto";
import type { ClusterId } from "../../api/cluster-id.ts";
import type { ServiceKey } from "../../api/service-key.ts";
import type { Hop } from "../../broker/client/propagation.ts";
import type { BrokerHop } from "../../broker/server/write-hops.ts";
import type { Span } from "../../runtime/trace/tracer.ts";

const TRACE_DIGITS = 32;
const SPAN_DIGITS = 16;

/** A write of a cluster, as everybody knows it. */
export interface Write {
  readonly cluster: string;
  readonly sequence: number;
  readonly service: ServiceKey;
  /** Epoch milliseconds. */
  readonly startMs: number;
  readonly endMs: number;
}

/** What a change comes to in an importing cluster: the DNS server answers by it, a proxy listens for its clients, a gateway lets its packets through. */
export type Effect = "published" | "listening" | "admitted";

// A change's trace, of which every process tells its own hops: ids are drawn from what all of them know, whose write it is and
// which, so that nothing travels for it between clusters. The exporter's hop is the first; the others are its children.

/** @param self the member whose hop it is */
export function spanOfHop(hop: Hop, self: ClusterId): Span {
  const { cluster, sequence, service } = hop;
  const received = idOf(hop, `received/${self}`, SPAN_DIGITS);
  const ids = {
    stored: { spanId: idOf(hop, "stored", SPAN_DIGITS) },
    received: { spanId: received, parentSpanId: idOf(hop, "stored", SPAN_DIGITS) },
    applied: { spanId: appliedId({ cluster, sequence, service }, self), parentSpanId: received },
  }[hop.hop];
  return span(hop, hop.hop, ids);
}

/** @param broker tells replicas apart */
export function spanOfBrokerHop(hop: BrokerHop, broker: string): Span {
  const { streams } = hop;
  const spanId = idOf(hop, `${hop.hop}/${broker}/${hop.service}`, SPAN_DIGITS);
  const parentSpanId = idOf(hop, "stored", SPAN_DIGITS);
  const more = streams === undefined ? {} : { "isthmus.streams": streams };
  return span(hop, hop.hop, { spanId, parentSpanId }, more);
}

/**
 * @param self the member where it is so; undefined: the process was not told
 * @param server tells replicas apart
 */
export function spanOfEffect(
  effect: Effect,
  write: Write,
  { self, server }: { readonly self: string | undefined; readonly server: string },
): Span {
  const spanId = idOf(write, `${effect}/${self}/${server}/${write.service}`, SPAN_DIGITS);
  const parent = self === undefined ? {} : { parentSpanId: appliedId(write, self) };
  return span(write, effect, { spanId, ...parent });
}

function appliedId(write: Pick<Write, "cluster" | "sequence" | "service">, self: string): string {
  return idOf(write, `applied/${self}/${write.service}`, SPAN_DIGITS);
}

function span(
  write: Write,
  name: string,
  ids: Pick<Span, "spanId" | "parentSpanId">,
  more: Span["attributes"] = {},
): Span {
  const { cluster, service, startMs, endMs } = write;
  return {
    traceId: idOf(write, "", TRACE_DIGITS),
    ...ids,
    name,
    startMs,
    endMs,
    attributes: { "isthmus.exporter": cluster, "isthmus.service": service, ...more },
  };
}

function idOf(
  { cluster, sequence }: Pick<Write, "cluster" | "sequence">,
  text: string,
  digits: number,
): string {
  const drawn = createHash("sha256").update(`${cluster}/${sequence}/${text}`).digest("hex");
  return drawn.slice(0, digits);
}
