import { combined } from "./combine-measurements.ts";
import { type Answering, isProcessGone, type StreamEnd } from "./lone-responder.ts";
import { type Measured, NOT_MEASURED } from "./path-fact.ts";

/** Everything that says how one path is. */
export interface PathSigns {
  /** What own probes measured of each responder; none: it is not probed, or nobody was asked yet. */
  readonly answering: readonly Answering[];
  /** Of the peer's streams at the hub. */
  readonly ends: readonly StreamEnd[];
  /** What gateways and proxies say that report lately. */
  readonly reported: readonly Measured[];
  /** Probes of this process have seen the path alive: only there is their silence a proof. */
  readonly wasAlive: boolean;
  /** What was known until now. */
  readonly before: Measured | undefined;
}

/**
 * How a path is: own probes go all the way; where they never did, as behind a filter, the reports of those in between count.
 * Pure.
 */
export function measuredPath(
  { answering, ends, reported, wasAlive, before }: PathSigns,
  wallMs: number,
): { readonly measured: Measured; readonly wasAlive: boolean } {
  const own = ownMeasured(answering, ends, wallMs);
  const isProof = wasAlive || own?.state === "up";
  const theirs = reported.length === 0 ? undefined : combined(reported);
  const measured = (isProof ? (own ?? theirs) : (theirs ?? own)) ?? NOT_MEASURED;
  return { measured: stillDead(before, measured), wasAlive: isProof };
}

function ownMeasured(
  answering: readonly Answering[],
  ends: readonly StreamEnd[],
  wallMs: number,
): Measured | undefined {
  if (answering.length === 0) return undefined;
  const own = combined(answering.map(({ measured }) => measured));
  return own.state === "down" && isProcessGone(answering, ends, wallMs)
    ? { ...own, state: "unknown", reason: "whoever answered probes has ended" }
    : own;
}

/** A death that was proved stands until somebody answers: one who was not asked yet says nothing else. */
function stillDead(before: Measured | undefined, now: Measured): Measured {
  if (before?.state !== "down" || now.state !== "unknown" || now.rttMs !== undefined) return now;
  const { state, reason, sinceMs } = before;
  return { ...now, state, reason, sinceMs };
}
