import { z } from "zod";
import type { Clock } from "../../../runtime/clock/clock.ts";
import { sleep } from "../../../runtime/clock/sleep.ts";
import type { Counter, Meter } from "../../../runtime/metrics/meter.ts";
import type { RunCommand } from "../linux/run-command.ts";
import { DENIED_COUNTERS, FILTER_TABLE } from "../plan/filter-table.ts";

export interface DeniedMetricsDeps {
  readonly run: RunCommand;
  readonly clock: Clock;
  readonly meter: Meter;
}

const EVERY_MS = 5_000;
const COMMAND = {
  program: "nft",
  args: ["-j", "list", "counters", "table", "inet", FILTER_TABLE],
};
const LISTING = z.object({
  nftables: z.array(
    z.object({ counter: z.object({ name: z.string(), packets: z.int() }).optional() }),
  ),
});

/** Packets that the filter refused, out of the kernel's counters into metrics. */
export class DeniedMetrics {
  readonly #deps: DeniedMetricsDeps;
  readonly #denied: Counter;
  /** As last read. BOUNDED: by directions. */
  readonly #seen = new Map<string, number>();

  constructor(deps: DeniedMetricsDeps) {
    this.#deps = deps;
    this.#denied = deps.meter.counter({
      name: "isthmus_gateway_denied_packets_total",
      help: "Packets that no export lets pass: in, from peers; out, from this cluster.",
      labels: ["direction"],
    });
    for (const direction of Object.values(DENIED_COUNTERS)) this.#denied.add(0, { direction });
  }

  /** Until the signal aborts. */
  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      // There is no table where this is no gateway: nothing is refused then.
      const listed = await this.#deps.run(COMMAND, signal);
      if (listed.ok) this.#take(listed.value);
      await sleep(this.#deps.clock, EVERY_MS, signal);
    }
  }

  #take(text: string): void {
    const counts = readCounters(text);
    for (const [name, direction] of Object.entries(DENIED_COUNTERS)) {
      const packets = counts.get(name);
      if (packets === undefined) continue;
      const seen = this.#seen.get(name) ?? 0;
      // A table that was replaced counts anew.
      this.#denied.add(packets < seen ? packets : packets - seen, { direction });
      this.#seen.set(name, packets);
    }
  }
}

function readCounters(text: string): ReadonlyMap<string, number> {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    return new Map();
  }
  const parsed = LISTING.safeParse(json);
  const entries = parsed.success ? parsed.data.nftables : [];
  return new Map(
    entries.flatMap(({ counter }) =>
      counter === undefined ? [] : [[counter.name, counter.packets] as const],
    ),
  );
}
