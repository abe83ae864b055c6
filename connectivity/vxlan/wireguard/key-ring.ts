import type { KeyPair } from "./keys.ts";

export interface RingKey extends KeyPair {
  /** UDP port of its device. */
  readonly port: number;
  /** Epoch milliseconds. */
  readonly bornMs: number;
}

/** A gateway's own keys, newest last: one, or two while one takes over from the other. */
export type KeyRing = readonly RingKey[];

export interface RingSettings {
  /** A key is replaced at this age, ms. */
  readonly rotateMs: number;
  /** The old one stays at least this long beside the new one, ms: peers must have heard of it. */
  readonly overlapMs: number;
  /** UDP port of the first key; the next one takes the port above, the one after that this one again. */
  readonly port: number;
}

/** @param isOldInUse some peer is reached by the old key only. */
export function turnRing(
  ring: KeyRing,
  { rotateMs, overlapMs, port }: RingSettings,
  nowMs: number,
  isOldInUse: boolean,
  draw: () => KeyPair,
): KeyRing {
  const newest = ring.at(-1);
  if (newest === undefined) return [{ ...draw(), port, bornMs: nowMs }];
  const ageMs = nowMs - newest.bornMs;
  if (ring.length > 1) return ageMs >= overlapMs && !isOldInUse ? [newest] : ring;
  if (ageMs < rotateMs) return ring;
  return [newest, { ...draw(), port: newest.port === port ? port + 1 : port, bornMs: nowMs }];
}
