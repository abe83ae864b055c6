import { err, ok, type Result } from "../../../../../api/result.ts";

/** One field of a protobuf message as it is on the wire. */
export interface WireField {
  readonly number: number;
  /** A varint, or the bytes of a string, message or packed list. */
  readonly value: bigint | Uint8Array;
}

/** Reads a message's fields in order; checks every length before it reads. */
export function readFields(bytes: Uint8Array): Result<readonly WireField[], string> {
  const fields: WireField[] = [];
  let at = 0;
  while (at < bytes.length) {
    const tag = readVarint(bytes, at);
    if (tag === undefined) return err(`truncated tag at byte ${at}`);
    const number = Number(tag.value >> 3n);
    const wireType = Number(tag.value & 7n);
    const payload = readPayload(bytes, tag.next, wireType);
    if (!payload.ok) return payload;
    fields.push({ number, value: payload.value.value });
    at = payload.value.next;
  }
  return ok(fields);
}

interface Read<T> {
  readonly value: T;
  readonly next: number;
}

function readPayload(
  bytes: Uint8Array,
  at: number,
  wireType: number,
): Result<Read<bigint | Uint8Array>, string> {
  if (wireType === 0) {
    const varint = readVarint(bytes, at);
    return varint === undefined ? err(`truncated number at byte ${at}`) : ok(varint);
  }
  const fixed = FIXED_LENGTHS.get(wireType);
  if (fixed !== undefined) return slice(bytes, at, fixed);
  if (wireType !== 2) return err(`wire type must be 0, 1, 2 or 5: got ${wireType} at byte ${at}`);
  const length = readVarint(bytes, at);
  if (length === undefined) return err(`truncated length at byte ${at}`);
  return slice(bytes, length.next, Number(length.value));
}

const FIXED_LENGTHS: ReadonlyMap<number, number> = new Map([
  [1, 8],
  [5, 4],
]);

function slice(bytes: Uint8Array, at: number, length: number): Result<Read<Uint8Array>, string> {
  if (at + length > bytes.length) {
    return err(`field must end within the message: got ${length} bytes at byte ${at}`);
  }
  return ok({ value: bytes.subarray(at, at + length), next: at + length });
}

const VARINT_BYTES_MAX = 10;

function readVarint(bytes: Uint8Array, at: number): Read<bigint> | undefined {
  let value = 0n;
  for (let offset = 0; offset < VARINT_BYTES_MAX; offset += 1) {
    const byte = bytes[at + offset];
    if (byte === undefined) return undefined;
    value |= BigInt(byte & 0x7f) << BigInt(7 * offset);
    if (byte < 0x80) return { value: BigInt.asIntN(64, value), next: at + offset + 1 };
  }
  return undefined;
}
