import type { Clock } from "../../runtime/clock/clock.ts";

export interface Upstream {
  /** An IP address in canonical form. */
  readonly host: string;
  readonly port: number;
}

export interface ExchangeRequest {
  /** Whose id is set by the exchange. */
  readonly query: Buffer;
  /** First byte after the question. */
  readonly questionEnd: number;
  readonly upstream: Upstream;
  readonly timeoutMs: number;
}

/** Asks one upstream once; undefined when no response came in time, or the way to it is broken. */
export type Exchange = (request: ExchangeRequest) => Promise<Buffer | undefined>;

export interface ExchangeDeps {
  readonly clock: Clock;
  /** A 16-bit number that cannot be guessed (RFC 5452, section 9.2). */
  readonly drawId: () => number;
}
