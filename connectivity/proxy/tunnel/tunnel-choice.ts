import type { TunnelPath } from "./tunnel.ts";

/** What a tunnel is judged by when a stream is to be opened. */
export interface TunnelState {
  readonly facts: { readonly path: TunnelPath };
  readonly isLate: boolean;
  readonly streamCount: number;
  /** Lowest round trip of late; undefined: not measured yet. */
  readonly rttFloorMs: number | undefined;
}

/** Relayed tunnels whose round trips differ by less share the streams; what is slower stands by. */
export const NEAR_MS = 10;

/**
 * Which tunnel to open a stream on: one that answers, direct rather than relayed; of relayed ones one that is about as quick as the
 * quickest; of those the one with the fewest streams.
 */
export function bestTunnel<T extends TunnelState>(tunnels: readonly T[]): T | undefined {
  const limitMs = nearLimitMs(tunnels);
  let best: T | undefined;
  for (const tunnel of tunnels) {
    if (best === undefined || isBetter(tunnel, best, limitMs)) best = tunnel;
  }
  return best;
}

function nearLimitMs(tunnels: readonly TunnelState[]): number {
  let quickestMs = Number.POSITIVE_INFINITY;
  for (const { rttFloorMs, isLate } of tunnels) {
    if (!isLate && rttFloorMs !== undefined) quickestMs = Math.min(quickestMs, rttFloorMs);
  }
  return quickestMs + NEAR_MS;
}

function isBetter(a: TunnelState, b: TunnelState, limitMs: number): boolean {
  if (a.isLate !== b.isLate) return b.isLate;
  const isRelayed = a.facts.path === "relayed";
  if (isRelayed !== (b.facts.path === "relayed")) return !isRelayed;
  if (isRelayed && isFar(a, limitMs) !== isFar(b, limitMs)) return isFar(b, limitMs);
  return a.streamCount < b.streamCount;
}

function isFar({ rttFloorMs }: TunnelState, limitMs: number): boolean {
  return (rttFloorMs ?? Number.POSITIVE_INFINITY) > limitMs;
}
