import { expect, test } from "vitest";
import type { RowKey } from "../../api/broker/row.ts";
import type { ClusterId } from "../../api/cluster-id.ts";
import { serviceKey } from "../../api/service-key.ts";
import { VirtualClock } from "../../runtime/clock/virtual-clock.ts";
import { PrometheusMeter } from "../../runtime/metrics/prometheus-meter.ts";
import { type Hop, Propagation } from "./propagation.ts";

const EAST = "east" as ClusterId;
const KEY = "export/shop/web" as RowKey;
const WEB = serviceKey("shop", "web");

function world() {
  const clock = new VirtualClock();
  const meter = new PrometheusMeter();
  const hops: Hop[] = [];
  const propagation = new Propagation({ clock, meter, onHop: (hop) => hops.push(hop) });
  return { clock, meter, hops, propagation };
}

test("each hop is measured from the moment that the owner sent the change", async () => {
  const { clock, meter, hops, propagation } = world();
  const sentMs = clock.nowMs();
  await clock.advance(20);
  propagation.stored(EAST, KEY, sentMs);
  await clock.advance(20);
  propagation.received(EAST, KEY, sentMs);
  const { finish } = propagation.begin(WEB);
  await clock.advance(200);
  finish(true);
  expect(hops.map(({ hop, startMs, endMs }) => [hop, startMs - sentMs, endMs - sentMs])).toEqual([
    ["stored", 0, 20],
    ["received", 0, 40],
    ["applied", 40, 240],
  ]);
  const text = await meter.text();
  expect(text).toContain('isthmus_controllers_propagation_seconds_sum{hop="applied"} 0.24');
  expect(text).toContain('isthmus_controllers_propagation_seconds_count{hop="stored"} 1');
});

test("a pass that fails has applied nothing: the next one has, and only once", async () => {
  const { clock, hops, propagation } = world();
  propagation.received(EAST, KEY, clock.nowMs());
  propagation.begin(WEB).finish(false);
  propagation.begin(WEB).finish(true);
  propagation.begin(WEB).finish(true);
  expect(hops.filter(({ hop }) => hop === "applied")).toHaveLength(1);
});

test("what arrives during a pass belongs to the next one", async () => {
  const { clock, hops, propagation } = world();
  const first = clock.nowMs();
  propagation.received(EAST, KEY, first);
  const { finish } = propagation.begin(WEB);
  propagation.received(EAST, KEY, first + 1);
  finish(true);
  expect(hops.filter(({ hop }) => hop === "applied").map(({ sequence }) => sequence)).toEqual([
    first,
  ]);
  propagation.begin(WEB).finish(true);
  expect(hops.at(-1)).toMatchObject({ hop: "applied", sequence: first + 1 });
});

test("of what was written long ago nothing is said; a clock that is ahead takes no time", async () => {
  const { clock, hops, meter, propagation } = world();
  propagation.received(EAST, KEY, clock.nowMs() - 61_000);
  propagation.begin(WEB).finish(true);
  expect(hops).toEqual([]);
  propagation.received(EAST, KEY, clock.nowMs() + 5_000);
  expect(await meter.text()).toContain('propagation_seconds_sum{hop="received"} 0');
});
