/** So many failures in a row, and an upstream is asked last for a while. */
const FAILURES_MAX = 3;
const REST_MS = 5000;

/** Which upstream to ask first: they are listed by preference, and those that fail rest. */
export class UpstreamHealth {
  readonly #states: { failures: number; restsUntilMs: number }[];

  constructor(upstreams: number) {
    this.#states = Array.from({ length: upstreams }, () => ({
      failures: 0,
      restsUntilMs: Number.NEGATIVE_INFINITY,
    }));
  }

  /** Indexes, the first to ask first; all of them, since one that rests is better than none. */
  order(nowMs: number): readonly number[] {
    const indexes = [...this.#states.keys()];
    const rests = (index: number): boolean => (this.#states[index]?.restsUntilMs ?? 0) > nowMs;
    return [...indexes.filter((index) => !rests(index)), ...indexes.filter(rests)];
  }

  answered(index: number): void {
    const state = this.#states[index];
    if (state === undefined) return;
    state.failures = 0;
    state.restsUntilMs = Number.NEGATIVE_INFINITY;
  }

  failed(index: number, nowMs: number): void {
    const state = this.#states[index];
    if (state === undefined) return;
    state.failures++;
    if (state.failures >= FAILURES_MAX) state.restsUntilMs = nowMs + REST_MS;
  }
}
