import type { OnReadOpts } from "node:net";

/** As much as Node reads at once. */
const READ_BYTES = 64 * 1024;

/** What a socket reads is here until it has been taken, within the same call: one buffer is enough for all sockets of the process. */
const buffer = Buffer.allocUnsafeSlow(READ_BYTES);

/**
 * Reads of a socket that we dial. Node otherwise takes 64 KiB for each read, which becomes a buffer of its own for the garbage
 * collector; here a small piece is a copy in a pool of many. Sockets that were accepted cannot be read this way.
 */
export class SharedRead {
  /** Whoever takes what comes. Set before the socket is connected, or has somebody to speak to. */
  onChunk: (chunk: Uint8Array) => void = () => undefined;
  /** For `net.connect`. */
  readonly onread: OnReadOpts = {
    buffer,
    callback: (length) => {
      this.onChunk(Buffer.from(buffer.subarray(0, length)));
      return true;
    },
  };
}
