import type { PathReport } from "../../api/network/path-report.ts";
import { reportEndsMs } from "./combine-measurements.ts";
import { type StreamEnd, settledMs } from "./lone-responder.ts";

/** What time alone changes. */
export interface ChangesByTime {
  /** When choices want to be looked at again, monotonic milliseconds. */
  readonly choicesMs: readonly number[];
  /** Ends of peers' streams: each explains silences for some time. */
  readonly ends: readonly StreamEnd[];
  /** They are good for some time. */
  readonly reports: readonly PathReport[];
}

/** Milliseconds until the first of them, at least 1; undefined: time alone changes nothing. Pure. */
export function nextLookMs(
  { choicesMs, ends, reports }: ChangesByTime,
  { nowMs, wallMs }: { readonly nowMs: number; readonly wallMs: number },
): number | undefined {
  const delays = [
    ...choicesMs.map((ms) => ms - nowMs),
    ...ends
      .map(settledMs)
      .filter((ms) => ms > wallMs && Number.isFinite(ms))
      .map((ms) => ms - wallMs),
    ...reports.flatMap((report) => {
      const endsMs = reportEndsMs(report, wallMs);
      return endsMs === undefined ? [] : [endsMs - wallMs];
    }),
  ];
  return delays.length === 0 ? undefined : Math.max(1, Math.ceil(Math.min(...delays)));
}
