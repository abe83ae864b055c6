/** One try to open a TCP connection to an imported service. */
export interface ConnectionFact {
  /** Undefined: to the clusterset IP. */
  readonly cluster: string | undefined;
  readonly address: string;
  readonly port: number;
  /** Undefined: it was opened. */
  readonly failure: string | undefined;
}
