/**
 * Frames of the tunnel protocol, version 1. Each is a header of 8 bytes and a payload:
 * type (1 byte), length of the payload (3 bytes), stream (4 bytes), all big-endian. Stream 0 is the tunnel itself.
 */
export const FRAME = {
  /** First frame of each side: versions and limits. */
  hello: 1,
  /** Opens a stream; see OpenHeader. Data may follow at once, within the window. */
  open: 2,
  /** The other end of the stream is connected. */
  opened: 3,
  /** Bytes of a TCP stream, or exactly one datagram of a UDP stream. */
  data: 4,
  /** No more bytes in this direction (a FIN). */
  end: 5,
  /** The stream is over in both directions; a ResetCode says why. */
  reset: 6,
  /** Credit: so many more bytes may be sent on the stream. */
  window: 7,
  ping: 8,
  pong: 9,
  /** No new streams, please: the process is going away. Those that are open go on. */
  goAway: 10,
  /** What the other side knows of links between members. */
  routes: 11,
  /** In the place of hello, and the last: there is no room for this tunnel. So many one member may have (4 bytes). */
  full: 0x80,
} as const;

export const HEADER_BYTES = 8;

/** Of a data frame. A read of a socket is at most as long, and so is a datagram. */
export const MAX_DATA_BYTES = 65_536;

/** Of every other frame but routes. */
export const MAX_CONTROL_BYTES = 2_048;

const MAX_ROUTES_BYTES = 65_536;

/** Types from here on are for later versions: who does not know one passes over it. */
export const FIRST_OPTIONAL_TYPE = 0x80;

/** Longest payload that a frame of this type may have. */
export function maxPayloadBytes(type: number): number {
  if (type === FRAME.data) return MAX_DATA_BYTES;
  return type === FRAME.routes ? MAX_ROUTES_BYTES : MAX_CONTROL_BYTES;
}

/** Why a stream was reset. Numbers are the wire's: never reused. */
export const RESET_CODES = {
  /** The connection at the other end was reset (RST). */
  reset: 1,
  /** The endpoint refused the connection. */
  refused: 2,
  /** No endpoint answered in time. */
  timeout: 3,
  /** Nothing of that name is exported, or nothing of it is ready. */
  "not-exported": 4,
  /** The export does not admit this client. */
  forbidden: 5,
  /** A limit of the other side. */
  overload: 6,
  /** The tunnel ended, or is about to: nothing has been done for this stream, another tunnel may serve it. */
  "going-away": 7,
  /** No datagram for a while. */
  idle: 8,
  /** No way to the cluster that a relay was asked for. */
  "no-route": 9,
  /** Something that is no fault of anybody named above. */
  internal: 10,
} as const;

export type ResetCode = keyof typeof RESET_CODES;

const NAMES: ReadonlyMap<number, ResetCode> = new Map(
  Object.entries(RESET_CODES).map(([name, code]) => [code, name as ResetCode]),
);

/** Codes of later versions read as `internal`. */
export function resetCodeOf(code: number): ResetCode {
  return NAMES.get(code) ?? "internal";
}
