import { HEADER_BYTES } from "../wire/dns-numbers.ts";

const FIXED_RECORD_BYTES = 10;

export interface ResponseRecord {
  readonly section: "answer" | "authority" | "additional";
  /** First byte of the record. */
  readonly at: number;
  readonly type: number;
  readonly ttlAt: number;
  /** First byte of its data, and the first after it. */
  readonly dataAt: number;
  readonly dataEnd: number;
}

/** Where the records of somebody else's message lie; undefined when it cannot be read to its very end. */
export function readRecords(message: Buffer): readonly ResponseRecord[] | undefined {
  let at = HEADER_BYTES;
  for (let left = message.readUInt16BE(4); left > 0; left--) at = skipName(message, at) + 4;
  const records: ResponseRecord[] = [];
  for (const [section, countAt] of SECTIONS) {
    for (let left = message.readUInt16BE(countAt); left > 0; left--) {
      const fixedAt = skipName(message, at);
      const dataAt = fixedAt + FIXED_RECORD_BYTES;
      if (dataAt > message.length) return undefined;
      const dataEnd = dataAt + message.readUInt16BE(fixedAt + 8);
      if (dataEnd > message.length) return undefined;
      const type = message.readUInt16BE(fixedAt);
      records.push({ section, at, type, ttlAt: fixedAt + 4, dataAt, dataEnd });
      at = dataEnd;
    }
  }
  return at === message.length ? records : undefined;
}

const SECTIONS = [
  ["answer", 6],
  ["authority", 8],
  ["additional", 10],
] as const;

/** Past the end for what is no name. */
function skipName(message: Buffer, start: number): number {
  let offset = start;
  while (offset < message.length) {
    const length = message[offset] ?? 0;
    if (length === 0) return offset + 1;
    if (length >= 0xc0) return offset + 2;
    offset += length + 1;
  }
  return message.length;
}
