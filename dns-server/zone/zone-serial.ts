/** Serials live in 32 bits and wrap (RFC 1982). */
const SERIAL_MODULUS = 2 ** 32;

/**
 * The serial after `previous`: never behind it, and at least the time in seconds, so that a restarted server goes on
 * above where it stopped unless it had published more than once a second all its life.
 */
export function nextSerial(previous: number | undefined, nowMs: number): number {
  const seconds = Math.floor(nowMs / 1000) % SERIAL_MODULUS;
  if (previous === undefined) return seconds;
  const following = (previous + 1) % SERIAL_MODULUS;
  const isAhead = (seconds - following + SERIAL_MODULUS) % SERIAL_MODULUS < SERIAL_MODULUS / 2;
  return isAhead ? seconds : following;
}
