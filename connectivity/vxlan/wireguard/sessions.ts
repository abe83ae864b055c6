/** A device and a public key at its other end, as `device key`. */
export type SessionName = string;

export function sessionName(device: string, publicKey: string): SessionName {
  return `${device} ${publicKey}`;
}

/** Device and public key that have shaken hands lately. */
export type Handshakes = ReadonlySet<SessionName>;

/** Bytes received over each session since its device was made. */
export type Received = ReadonlyMap<SessionName, number>;

/** A look at a session's counter, and what it showed. */
export interface Look {
  readonly bytes: number;
  /** Monotonic, ms. */
  readonly atMs: number;
  /** Looks in a row, this one included, that found no data since the one before. */
  readonly quiet: number;
}

export type Looks = ReadonlyMap<SessionName, Look>;

/** Looks closer to each other than this tell nothing: gateways probe each other each 100 ms, ms. */
const LOOK_MS = 500;
/** What a session receives in a second or two without data: a handshake (148 bytes) and a keepalive (32). */
const IDLE_BYTES = 256;
/** So many looks in a row without data: the other side has moved away. Counted rather than timed, since time also passes while nobody runs. */
const QUIET_LOOKS = 5;

/** One more look at all sessions. */
export function lookAt(before: Looks, received: Received, nowMs: number): Looks {
  return new Map(
    [...received].map(([name, bytes]) => {
      const last = before.get(name);
      if (last === undefined) return [name, { bytes, atMs: nowMs, quiet: 0 }];
      if (nowMs - last.atMs < LOOK_MS) return [name, last];
      // A counter that went back is one of a device that was made anew.
      const isQuiet = bytes >= last.bytes && bytes - last.bytes < IDLE_BYTES;
      return [name, { bytes, atMs: nowMs, quiet: isQuiet ? last.quiet + 1 : 0 }];
    }),
  );
}

/** Nothing comes over it any more; false too for one that was not looked at long enough. */
export function isDrained(looks: Looks, session: SessionName): boolean {
  return (looks.get(session)?.quiet ?? 0) >= QUIET_LOOKS;
}
