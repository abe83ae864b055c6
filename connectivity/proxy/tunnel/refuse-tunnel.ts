import type { Duplex } from "node:stream";
import type { Clock } from "../../../runtime/clock/clock.ts";
import { FRAME } from "../frame/frame-type.ts";
import { numberFrame } from "../frame/write-frame.ts";

/** Who does not hang up when it has been told is cut off. */
const TELL_MS = 1_000;

/**
 * Tells a peer why it gets no tunnel, then ends the connection. What the peer says meanwhile is read: bytes that nobody reads
 * would make the end a reset (RFC 1122 section 4.2.2.13), which may overtake what was told.
 */
export function refuseTunnel(socket: Duplex, tunnelsMax: number, clock: Clock): void {
  const timer = clock.setTimer(TELL_MS, () => socket.destroy());
  socket.once("close", () => timer.cancel());
  socket.resume();
  socket.end(numberFrame(FRAME.full, 0, tunnelsMax));
}
