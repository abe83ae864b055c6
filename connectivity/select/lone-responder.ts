import type { ClusterId } from "../../api/cluster-id.ts";
import type { Measured } from "./path-fact.ts";

/** When the hub lost the stream of a peer, epoch milliseconds of this machine's clock. */
export interface StreamEnd {
  readonly endedMs: number;
  /** Since when it has one again. */
  readonly backMs: number | undefined;
}

/** What the hub says of the streams of others. */
export interface PeerStreams {
  /** The latest ends, oldest first. */
  ended(peer: ClusterId): readonly StreamEnd[];
  /** The listener is told the peers whose stream has ended or begun. Returns the unsubscribe. */
  subscribe(listener: (peers: readonly ClusterId[]) => void): () => void;
}

/** What was measured of one responder. */
export interface Answering {
  /** As the peer says it, `address:port`. */
  readonly responder: string;
  readonly measured: Measured;
}

/** From the end of a stream until the silence that it explains is noticed, at most; and how much later its news may come. */
const NOTICED_MS = 2_000;
const LATE_MS = 300;
/** A process that is back takes as long, at most, to tell where it answers now. */
const SETTLED_MS = 10_000;

/**
 * The only process that answered has ended, as the end of its stream in the same moment shows: then its silence says
 * nothing about the path. When others of the peer have fallen silent with it, the path is dead (docs/decisions/0011). Pure.
 */
export function isProcessGone(
  answering: readonly Answering[],
  ends: readonly StreamEnd[],
  wallMs: number,
): boolean {
  return ends.some((end) => wallMs < settledMs(end) && fellSilentWith(end, answering));
}

function fellSilentWith(end: StreamEnd, answering: readonly Answering[]): boolean {
  const fallen = answering.filter(
    ({ measured: { state, sinceMs } }) =>
      state === "down" &&
      sinceMs !== undefined &&
      sinceMs >= end.endedMs - LATE_MS &&
      sinceMs <= end.endedMs + NOTICED_MS,
  );
  // A pod has an address of each family.
  const [v6, v4] = [true, false].map(
    (isV6) => fallen.filter(({ responder }) => responder.startsWith("[") === isV6).length,
  );
  return fallen.length > 0 && (v4 ?? 0) <= 1 && (v6 ?? 0) <= 1;
}

/** From when on an end explains nothing any more; infinite while the peer has no stream. */
export function settledMs({ backMs }: StreamEnd): number {
  return backMs === undefined ? Number.POSITIVE_INFINITY : backMs + SETTLED_MS;
}
