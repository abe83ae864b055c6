/**
 * Time as a port. Wall time is for stamps that leave the process; monotonic time is for waiting.
 * Nothing else in the code base reads the time or sets a timer (test/arch enforces it).
 */
export interface Clock {
  /** Epoch milliseconds; may jump. */
  nowMs(): number;
  /** Milliseconds since an arbitrary start; never goes back. */
  monotonicMs(): number;
  /** Runs `callback` once after `delayMs`. */
  setTimer(delayMs: number, callback: () => void): Timer;
}

export interface Timer {
  /** Harmless when the timer has fired. */
  cancel(): void;
}
