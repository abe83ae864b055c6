/** What one side of a tunnel allows the other, and itself. */
export interface SessionLimits {
  /** Streams that the peer may have open at once. */
  readonly streamsMax: number;
  /** Streams that the peer may open in a second. */
  readonly opensPerSecond: number;
  /** Credit of a new TCP stream, bytes. Datagrams need none: what finds no room is dropped. */
  readonly firstWindowBytes: number;
  /** To which a stream's window grows while its reader keeps up and the budget has room. */
  readonly windowMaxBytes: number;
  /** Bytes that a stream's writer may queue before it should stop: see `TunnelStream.send`. */
  readonly queueBytes: number;
}

export const DEFAULT_LIMITS: SessionLimits = {
  streamsMax: 20_000,
  opensPerSecond: 20_000,
  firstWindowBytes: 64 * 1024,
  windowMaxBytes: 4 * 1024 * 1024,
  queueBytes: 512 * 1024,
};

/** Control frames that wait to be sent, bytes: who asks for more answers than it reads is cut off. */
export const CONTROL_QUEUE_MAX_BYTES = 4 * 1024 * 1024;

/**
 * Once so many bytes wait in the streams of one tunnel, each may queue an eighth of `queueBytes`. One stream alone needs a long
 * queue to keep two processes busy at once; what waits in many has left the CPU's cache when it is sent.
 */
export const CROWDED_BYTES = 4 * 1024 * 1024;

/** What a queued chunk costs besides its bytes, about: many small ones fill a queue too. */
export const CHUNK_COST_BYTES = 256;

/** A window grows when half of it is consumed within this time, and only while half of the budget is free. */
export const GROWTH_WITHIN_MS = 500;

/** Streams send in turn, at most so many bytes each time. */
export const TURN_BYTES = 32 * 1024;
