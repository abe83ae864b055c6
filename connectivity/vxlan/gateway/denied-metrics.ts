import { z } from "zod";
import type { Clock } from "../../../runtime/clock/clock.ts";
import { sleep } from "../../../runtime/clock/sleep.ts";
import type { Counter, Meter } from "../../../runtime/metrics/meter.ts";
import type { RunCommand } from "../linux/run-command.ts";

/** A table of ours that counts what it refuses. */
export interface DeniedTable {
  readonly table: string;
  /** Names of its counters, and which way went what they count. */
  readonly counters: Readonly<Record<string, "in" | "out">>;
}

export interface DeniedMetricsDeps {
  readonly run: RunCommand;
  readonly clock: Clock;
  readonly meter: Meter;
  readonly tables: readonly DeniedTable[];
}

const EVERY_MS = 5_000;
const LISTING = z.object({
  nftables: z.array(
    z.object({ counter: z.object({ name: z.string(), packets: z.int() }).optional() }),
  ),
});

/** Packets that were refused, out of the kernel's counters into metrics. */
export class DeniedMetrics {
  readonly #deps: DeniedMetricsDeps;
  readonly #denied: Counter;
  /** As last read. BOUNDED: by the tables' counters. */
  readonly #seen = new Map<string, number>();

  constructor(deps: DeniedMetricsDeps) {
    this.#deps = deps;
    this.#denied = deps.meter.counter({
      name: "isthmus_gateway_denied_packets_total",
      help: "Packets that no export lets pass, or that a slice or an export's list of clusters keeps out: in, from peers; out, from this cluster.",
      labels: ["direction"],
    });
    for (const direction of ["in", "out"]) this.#denied.add(0, { direction });
  }

  /** Until the signal aborts. */
  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      for (const table of this.#deps.tables) await this.#read(table, signal);
      await sleep(this.#deps.clock, EVERY_MS, signal);
    }
  }

  async #read({ table, counters }: DeniedTable, signal: AbortSignal): Promise<void> {
    const args = ["-j", "list", "counters", "table", "inet", table];
    const listed = await this.#deps.run({ program: "nft", args }, signal);
    // There is no table where this is no gateway: nothing is refused then.
    if (!listed.ok) return;
    const counts = readCounters(listed.value);
    for (const [name, direction] of Object.entries(counters)) {
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
