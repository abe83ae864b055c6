/** A value that may be replaced while the process runs. */
export interface Changing<T> {
  readonly current: T;
  /** Called after each replacement. Returns how to end it. */
  subscribe(listener: () => void): () => void;
}

/** A value that never is. */
export function unchanging<T>(current: T): Changing<T> {
  return { current, subscribe: () => () => undefined };
}
