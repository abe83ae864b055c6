import type { Clock } from "../../runtime/clock/clock.ts";

/** One Ctrl-C comes from the terminal, and again from each launcher in between that passes signals on (npm, `install-and-run.mjs`). */
const ONE_PRESS_MS = 500;

/** What the system tells the process. */
export interface ProcessSignals {
  /** Aborts when the process is asked to stop. */
  readonly signal: AbortSignal;
  /** SIGHUP calls the listener instead of stopping the process, as long as it is subscribed. Returns how to end that. */
  readonly onHangup: (listener: () => void) => () => void;
}

/** The first SIGINT, SIGTERM or SIGHUP stops; a second one, half a second later or more, ends the process at once. */
export function processSignals(clock: Clock): ProcessSignals {
  const controller = new AbortController();
  /** BOUNDED: by the parts of the process that follow something. */
  const listeners = new Set<() => void>();
  let firstMs = 0;
  const stop = (name: string): void => {
    if (controller.signal.aborted) {
      if (clock.monotonicMs() - firstMs >= ONE_PRESS_MS) process.exit(130);
      return;
    }
    firstMs = clock.monotonicMs();
    controller.abort(new Error(`stopped by ${name}`));
  };
  for (const name of ["SIGINT", "SIGTERM"] as const) process.on(name, () => stop(name));
  process.on("SIGHUP", () => {
    if (listeners.size === 0) stop("SIGHUP");
    for (const listener of listeners) listener();
  });
  return {
    signal: controller.signal,
    onHangup: (listener) => {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
  };
}
