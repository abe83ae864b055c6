import { crc32 } from "node:zlib";
import { LIMITS } from "../../wire/limits.ts";

/** Length and checksum, little endian, before each payload. */
const HEADER_BYTES = 8;

/** A row at its limit, its key and versions. */
export const MAX_PAYLOAD_BYTES = LIMITS.rowBytes + 4096;

export function encodeFrame(payload: Uint8Array, salt: number): Uint8Array {
  const frame = new Uint8Array(HEADER_BYTES + payload.length);
  const view = new DataView(frame.buffer);
  view.setUint32(0, payload.length, true);
  view.setUint32(4, crc32(payload, salt), true);
  frame.set(payload, HEADER_BYTES);
  return frame;
}

/** The frame that starts at `offset`; undefined when there is no whole one. */
export function frameAt(bytes: Uint8Array, offset: number, salt: number): Uint8Array | undefined {
  if (offset + HEADER_BYTES >= bytes.length) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset + offset, HEADER_BYTES);
  const length = view.getUint32(0, true);
  const end = offset + HEADER_BYTES + length;
  // No record is empty: a run of zeros, which a crash may leave, is no frame.
  if (length === 0 || length > MAX_PAYLOAD_BYTES || end > bytes.length) return undefined;
  const payload = bytes.subarray(offset + HEADER_BYTES, end);
  return crc32(payload, salt) === view.getUint32(4, true) ? payload : undefined;
}

export function frameBytes(payload: Uint8Array): number {
  return HEADER_BYTES + payload.length;
}

export interface ScannedFrames {
  /** In order; those after damage included. */
  readonly payloads: readonly Uint8Array[];
  /** Bytes up to which every frame is whole. */
  readonly wholeBytes: number;
  /** Whole frames follow bytes that are none: not a torn write, but damage. */
  readonly isDamaged: boolean;
}

/** Reads frames from `start` on. A torn tail is what a crash leaves; whole frames after broken bytes are salvaged. */
export function scanFrames(bytes: Uint8Array, start: number, salt: number): ScannedFrames {
  const payloads: Uint8Array[] = [];
  let offset = start;
  for (;;) {
    const payload = frameAt(bytes, offset, salt);
    if (payload === undefined) break;
    payloads.push(payload);
    offset += frameBytes(payload);
  }
  const wholeBytes = offset;
  const wholeCount = payloads.length;
  offset += 1;
  while (offset < bytes.length) {
    const payload = frameAt(bytes, offset, salt);
    if (payload !== undefined) payloads.push(payload);
    offset += payload === undefined ? 1 : frameBytes(payload);
  }
  return { payloads, wholeBytes, isDamaged: payloads.length > wholeCount };
}
