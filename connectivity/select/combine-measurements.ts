import type { ClusterId } from "../../api/cluster-id.ts";
import type { BackendName } from "../../api/network/backend-name.ts";
import type { PathReport } from "../../api/network/path-report.ts";
import { type Measured, NOT_MEASURED } from "./path-fact.ts";

/** A prober that has not renewed its report for so long is taken to be gone: it renews each 10 s. Milliseconds. */
const REPORT_GOOD_FOR_MS = 30_000;

/**
 * What several measurements of one path say together: it is up if any of them is, since each goes its own way to the peer;
 * dead only if all are. Of the good ones the shortest round trip, the least loss and the smallest MTU count, since a packet
 * may go any of their ways.
 */
export function combined(measurements: readonly Measured[]): Measured {
  const inState = (state: Measured["state"]): readonly Measured[] =>
    measurements.filter((measured) => measured.state === state);
  const up = inState("up");
  const [first, ...others] = up.length > 0 ? up : [...inState("unknown"), ...inState("down")];
  if (first === undefined) return NOT_MEASURED;
  if (first.state !== "up") return first;
  return others.reduce<Measured>(
    (sum, { sinceMs, rttMs, lossPercent, mtu }) => ({
      ...sum,
      sinceMs: least(sum.sinceMs, sinceMs),
      rttMs: least(sum.rttMs, rttMs),
      lossPercent: least(sum.lossPercent, lossPercent),
      mtu: least(sum.mtu, mtu),
    }),
    first,
  );
}

/** What gateways and proxies report about one path; old reports say nothing. */
export function reported(
  reports: Iterable<PathReport>,
  { peer, backend }: { readonly peer: ClusterId; readonly backend: BackendName },
  wallMs: number,
): readonly Measured[] {
  const found: Measured[] = [];
  for (const { metadata, spec } of reports) {
    if (!isGood(spec.renewedAt, wallMs)) continue;
    for (const path of spec.paths) {
      if (path.peer !== peer || path.backend !== backend) continue;
      const since = path.since === undefined ? Number.NaN : Date.parse(path.since);
      found.push({
        state: path.state,
        reason: path.reason ?? `reported by ${metadata.name}`,
        sinceMs: Number.isNaN(since) ? undefined : since,
        rttMs: path.rttMs,
        lossPercent: path.lossPercent,
        mtu: path.mtu,
      });
    }
  }
  return found;
}

/** Epoch milliseconds when a report that is good now is so no longer; undefined: it is not. */
export function reportEndsMs({ spec }: PathReport, wallMs: number): number | undefined {
  return isGood(spec.renewedAt, wallMs)
    ? Date.parse(spec.renewedAt) + REPORT_GOOD_FOR_MS
    : undefined;
}

function isGood(renewedAt: string, wallMs: number): boolean {
  const renewedMs = Date.parse(renewedAt);
  return !Number.isNaN(renewedMs) && wallMs < renewedMs + REPORT_GOOD_FOR_MS;
}

function least(a: number | undefined, b: number | undefined): number | undefined {
  if (a === undefined || b === undefined) return a ?? b;
  return Math.min(a, b);
}
