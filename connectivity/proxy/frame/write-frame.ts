import { HEADER_BYTES } from "./frame-type.ts";

/** Writes a frame's header at `offset`. */
export function writeHeader(
  target: Uint8Array,
  offset: number,
  frame: { readonly type: number; readonly length: number; readonly stream: number },
): void {
  const { type, length, stream } = frame;
  target[offset] = type;
  target[offset + 1] = length >>> 16;
  target[offset + 2] = length >>> 8;
  target[offset + 3] = length;
  target[offset + 4] = stream >>> 24;
  target[offset + 5] = stream >>> 16;
  target[offset + 6] = stream >>> 8;
  target[offset + 7] = stream;
}

const NOTHING = new Uint8Array(0);

/** A whole control frame. */
export function controlFrame(
  type: number,
  stream: number,
  payload: Uint8Array = NOTHING,
): Uint8Array {
  const frame = new Uint8Array(HEADER_BYTES + payload.length);
  writeHeader(frame, 0, { type, length: payload.length, stream });
  frame.set(payload, HEADER_BYTES);
  return frame;
}

/** A control frame whose payload is one number of 32 bits: window, reset, goAway. */
export function numberFrame(type: number, stream: number, value: number): Uint8Array {
  const frame = new Uint8Array(HEADER_BYTES + 4);
  writeHeader(frame, 0, { type, length: 4, stream });
  new DataView(frame.buffer).setUint32(HEADER_BYTES, value);
  return frame;
}

/** The number of such a frame; undefined when the payload is no number of 32 bits. */
export function numberOf(payload: Uint8Array): number | undefined {
  if (payload.length < 4) return undefined;
  return new DataView(payload.buffer, payload.byteOffset, payload.length).getUint32(0);
}
