/** A stretch of time in which a part of something was done. */
export interface Span {
  /** 32 hexadecimal digits: what it is a part of. */
  readonly traceId: string;
  /** 16 hexadecimal digits. */
  readonly spanId: string;
  /** Absent: the first of its trace. */
  readonly parentSpanId?: string;
  readonly name: string;
  /** Epoch milliseconds. */
  readonly startMs: number;
  readonly endMs: number;
  readonly attributes: Readonly<Record<string, string | number>>;
}

/** Traces as a port. Never waits, never fails. */
export interface Tracer {
  span(span: Span): void;
}
