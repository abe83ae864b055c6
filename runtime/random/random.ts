/** Randomness as a port. Not for secrets: those come from node:crypto in the shell that makes them. */
export interface Random {
  /** Uniform in [0, 1). */
  next(): number;
}
