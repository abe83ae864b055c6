import type { Socket } from "node:net";
import type { Clock } from "../../runtime/clock/clock.ts";

export interface RelayOptions {
  /** Both directions silent for this long ends the relay. */
  readonly idleTimeoutMs: number;
}

/**
 * Joins two connected sockets until both directions have ended. What one side does the other sees:
 * a FIN passes as a FIN (half-close), an RST as an RST, a slow reader slows the sender.
 */
export function relay(left: Socket, right: Socket, options: RelayOptions, clock: Clock): void {
  left.pipe(right);
  right.pipe(left);
  passEnding(left, right);
  passEnding(right, left);
  watchIdle(left, right, options.idleTimeoutMs, clock);
}

function passEnding(from: Socket, to: Socket): void {
  // The close event follows and does the work; without a listener the error would end the process.
  from.on("error", () => undefined);
  from.on("close", (hadError) => {
    if (to.destroyed) return;
    const finished = !hadError && from.readableEnded;
    if (!finished) to.resetAndDestroy();
  });
}

/** Byte counters compared once a period: an idle relay ends after one to two periods, a busy one costs nothing. */
function watchIdle(left: Socket, right: Socket, periodMs: number, clock: Clock): void {
  let seen = left.bytesRead + right.bytesRead;
  const check = (): void => {
    if (left.destroyed && right.destroyed) return;
    const now = left.bytesRead + right.bytesRead;
    if (now === seen) {
      left.resetAndDestroy();
      right.resetAndDestroy();
      return;
    }
    seen = now;
    timer = clock.setTimer(periodMs, check);
  };
  let timer = clock.setTimer(periodMs, check);
  const stopWhenBothGone = (): void => {
    if (left.destroyed && right.destroyed) timer.cancel();
  };
  left.on("close", stopWhenBothGone);
  right.on("close", stopWhenBothGone);
}
