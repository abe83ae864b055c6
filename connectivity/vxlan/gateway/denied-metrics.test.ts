import { expect, test } from "vitest";
import { err, ok } from "../../../api/result.ts";
import { VirtualClock } from "../../../runtime/clock/virtual-clock.ts";
import { PrometheusMeter } from "../../../runtime/metrics/prometheus-meter.ts";
import { DENIED_COUNTERS, FILTER_TABLE } from "../plan/filter-table.ts";
import { DeniedMetrics } from "./denied-metrics.ts";

/** As nft 1.0.6 answers. */
function listing(denied: { readonly in: number; readonly out: number }): string {
  const counter = (name: string, packets: number) => ({
    counter: { family: "inet", name, table: "isthmus_gateway", handle: 1, packets, bytes: 60 },
  });
  return JSON.stringify({
    nftables: [
      { metainfo: { version: "1.0.6", json_schema_version: 1 } },
      counter("denied_in", denied.in),
      counter("denied_out", denied.out),
    ],
  });
}

test("what the kernel counts is added up, over tables that were replaced and times without any", async () => {
  const clock = new VirtualClock();
  const meter = new PrometheusMeter();
  const stop = new AbortController();
  const other = JSON.stringify({ nftables: [{ counter: { name: "other_in", packets: 100 } }] });
  let answer = ok(listing({ in: 3, out: 0 })) as
    | ReturnType<typeof ok<string>>
    | { ok: false; error: string };
  const metrics = new DeniedMetrics({
    clock,
    meter,
    tables: [
      { table: FILTER_TABLE, counters: DENIED_COUNTERS },
      { table: "isthmus_other", counters: { other_in: "in" } },
    ],
    run: async ({ args }) => (args.includes(FILTER_TABLE) ? answer : ok(other)),
  });
  const running = metrics.run(stop.signal);
  const seen = async (next: typeof answer): Promise<readonly string[]> => {
    answer = next;
    await clock.advance(5_000);
    return [...(await meter.text()).matchAll(/^isthmus_gateway_denied_packets_total\{.*$/gm)]
      .map(([line]) => line)
      .toSorted();
  };
  // Those of all tables are one figure.
  const lines = (into: number, out: number): readonly string[] => [
    `isthmus_gateway_denied_packets_total{direction="in"} ${into + 100}`,
    `isthmus_gateway_denied_packets_total{direction="out"} ${out}`,
  ];
  expect(await seen(ok(listing({ in: 10, out: 2 })))).toEqual(lines(10, 2));
  expect(await seen(err("No such file or directory"))).toEqual(lines(10, 2));
  expect(await seen(ok(listing({ in: 4, out: 2 })))).toEqual(lines(14, 2));
  expect(await seen(ok("not JSON"))).toEqual(lines(14, 2));
  stop.abort();
  await clock.advance(5_000);
  await running;
});
