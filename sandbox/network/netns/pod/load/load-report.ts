/** A load that shows every gap: small requests, many times a second, on flows of three kinds. */
export interface LoadOptions {
  readonly host: string;
  readonly port: number;
  /** Long-lived connections, each with a request under way every `everyMs`. */
  readonly connections: number;
  /** UDP flows, likewise; to the same port number. */
  readonly flows: number;
  /** New connections one after the other, one question each. */
  readonly opens: boolean;
  readonly everyMs: number;
  /** Bytes of a question. @default 64 */
  readonly questionBytes?: number;
}

export interface LoadReport {
  /** Connections that live, flows and new connections, of each one that had no answer any more when the load was to end, though it was waited for. */
  readonly silent: number;
  readonly tcp: StreamReport;
  readonly udp: DatagramReport;
  readonly opens: OpenReport;
}

export interface StreamReport {
  readonly connections: number;
  /** Ended or reset before the load did. */
  readonly lost: number;
  readonly answers: number;
  /** The longest time without an answer on any one connection, ms. */
  readonly longestGapMs: number;
}

export interface DatagramReport {
  readonly sent: number;
  readonly answers: number;
  readonly longestGapMs: number;
}

export interface OpenReport {
  readonly attempts: number;
  readonly failed: number;
  /** The longest time between two successes, ms. */
  readonly longestGapMs: number;
}
