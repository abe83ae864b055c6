const HOUR_MS = 3600 * 1000;
const DAY_MS = 24 * HOUR_MS;

/**
 * How long a member's certificate lives, milliseconds. It is renewed after two thirds, so the hub may be away for a third
 * of it before a member has to join again; what is stolen is of use for the whole of it, unless the member is revoked.
 */
export const MEMBER_LIFE = { defaultMs: DAY_MS, minMs: HOUR_MS, maxMs: 90 * DAY_MS } as const;

export const AUTHORITY_LIFE_MS = 10 * 365 * DAY_MS;

/** Certificates begin this long ago: clusters whose clocks run behind the hub's accept fresh ones too. */
export const CLOCK_SKEW_MS = HOUR_MS;

/**
 * When a certificate with these dates should be renewed: after two thirds of its life, which begins when it was issued
 * and not at its backdated start. Wall time.
 */
export function renewalDueMs(dates: {
  readonly notBeforeMs: number;
  readonly notAfterMs: number;
}): number {
  const issuedMs = Math.min(dates.notBeforeMs + CLOCK_SKEW_MS, dates.notAfterMs);
  return issuedMs + ((dates.notAfterMs - issuedMs) * 2) / 3;
}
