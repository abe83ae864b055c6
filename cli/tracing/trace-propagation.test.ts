import { expect, test } from "vitest";
import type { ClusterId } from "../../api/cluster-id.ts";
import { serviceKey } from "../../api/service-key.ts";
import type { Hop } from "../../broker/client/propagation.ts";
import { spanOfBrokerHop, spanOfEffect, spanOfHop } from "./trace-propagation.ts";

const [EAST, WEST, NORTH] = ["east", "west", "north"] as ClusterId[] as [
  ClusterId,
  ClusterId,
  ClusterId,
];
const hop = (name: Hop["hop"], sequence = 1_000): Hop => ({
  ...{ hop: name, cluster: EAST, sequence, service: serviceKey("shop", "web") },
  ...{ startMs: sequence, endMs: sequence + 10 },
});

test("hops of one change that different members tell are one trace, each the child of the one before", () => {
  const stored = spanOfHop(hop("stored"), EAST);
  const received = spanOfHop(hop("received"), WEST);
  const applied = spanOfHop(hop("applied"), WEST);
  const elsewhere = spanOfHop(hop("received"), NORTH);
  expect(stored.traceId).toMatch(/^[0-9a-f]{32}$/);
  expect(stored.spanId).toMatch(/^[0-9a-f]{16}$/);
  expect(stored.parentSpanId).toBeUndefined();
  for (const { traceId } of [received, applied, elsewhere]) expect(traceId).toBe(stored.traceId);
  expect(received.parentSpanId).toBe(stored.spanId);
  expect(elsewhere.parentSpanId).toBe(stored.spanId);
  expect(applied.parentSpanId).toBe(received.spanId);
  const ids = [stored, received, applied, elsewhere].map(({ spanId }) => spanId);
  expect(new Set(ids).size).toBe(4);
});

test("the broker's hops and the DNS server's are in it too", () => {
  const stored = spanOfHop(hop("stored"), EAST);
  const applied = spanOfHop(hop("applied"), WEST);
  const write = { ...hop("stored"), service: serviceKey("shop", "web") };
  const kept = spanOfBrokerHop({ ...write, hop: "kept" }, "hub-1");
  const sent = spanOfBrokerHop({ ...write, hop: "sent", streams: 3 }, "hub-1");
  const other = spanOfBrokerHop({ ...write, hop: "sent", streams: 2 }, "hub-2");
  const published = spanOfEffect("published", write, { self: WEST, server: "dns-1" });
  for (const { traceId } of [kept, sent, other, published]) expect(traceId).toBe(stored.traceId);
  for (const { parentSpanId } of [kept, sent, other]) expect(parentSpanId).toBe(stored.spanId);
  expect(published.parentSpanId).toBe(applied.spanId);
  expect(sent.attributes).toMatchObject({ "isthmus.exporter": EAST, "isthmus.streams": 3 });
  const ids = [stored, applied, kept, sent, other, published].map(({ spanId }) => spanId);
  expect(new Set(ids).size).toBe(6);
  expect(
    spanOfEffect("published", write, { self: undefined, server: "dns-1" }).parentSpanId,
  ).toBeUndefined();
});

test("another write is another trace", () => {
  expect(spanOfHop(hop("stored", 1_001), EAST).traceId).not.toBe(
    spanOfHop(hop("stored"), EAST).traceId,
  );
});
