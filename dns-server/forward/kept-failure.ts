/**
 * Failures are kept for a second at first and twice as long each time, at most half a minute: "at least 1 second", with "an
 * exponential or linear backoff", and "MUST NOT be cached for longer than 5 minutes" (RFC 9520, section 3.2). Short, because
 * an outage of the only resolver ends for a name when its failure is forgotten.
 */
const KEPT_MS = { first: 1000, max: 30_000 } as const;
/** What failed this long ago starts anew. */
const REMEMBERED_MS = 300_000;

/** A question that upstream resolvers could not answer, and is not asked again for a while. */
export interface KeptFailure {
  /** What the least unwilling of them said: SERVFAIL, REFUSED or NOTIMP; undefined when all were silent. */
  readonly response: Buffer | undefined;
  readonly untilMs: number;
  readonly keptMs: number;
}

/**
 * What is kept of a failure, by what is known of those before it. `atLeastMs` where asking again has less worth: there is an
 * old answer.
 */
export function keepFailure(
  before: KeptFailure | undefined,
  response: Buffer | undefined,
  nowMs: number,
  atLeastMs = 0,
): KeptFailure {
  const isRecent = before !== undefined && nowMs < before.untilMs + REMEMBERED_MS;
  const backoffMs = isRecent ? Math.min(KEPT_MS.max, before.keptMs * 2) : KEPT_MS.first;
  const keptMs = Math.max(atLeastMs, backoffMs);
  return { response, untilMs: nowMs + keptMs, keptMs };
}
