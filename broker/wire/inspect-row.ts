import { BinaryReader } from "@bufbuild/protobuf/wire";

/** What the broker must know of a stored row without decoding it. */
export interface RowFacts {
  /** Of an endpoints row; 0 of an export. */
  readonly endpoints: number;
}

const ROW_ENDPOINTS = 4;
const ENDPOINTS_ENDPOINT = 4;

/**
 * Reads the facts out of an encoded Row by skipping over everything else: it is done for each row that is stored or
 * loaded. Bytes that are no row, which no member can have stored, have nothing in them.
 */
export function inspectRow(bytes: Uint8Array): RowFacts {
  try {
    return readFacts(bytes);
  } catch {
    return UNREADABLE;
  }
}

const UNREADABLE: RowFacts = { endpoints: 0 };

function readFacts(bytes: Uint8Array): RowFacts {
  const reader = new BinaryReader(bytes);
  let endpoints = 0;
  while (reader.pos < reader.len) {
    const [field, wireType] = reader.tag();
    if (field === ROW_ENDPOINTS) endpoints += countField(reader.bytes(), ENDPOINTS_ENDPOINT);
    else reader.skip(wireType, field);
  }
  return { endpoints };
}

function countField(bytes: Uint8Array, wanted: number): number {
  const reader = new BinaryReader(bytes);
  let count = 0;
  while (reader.pos < reader.len) {
    const [field, wireType] = reader.tag();
    if (field === wanted) count += 1;
    reader.skip(wireType, field);
  }
  return count;
}
