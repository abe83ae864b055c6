import { BinaryReader } from "@bufbuild/protobuf/wire";
import type { ClusterId } from "../../api/cluster-id.ts";

/** What the broker must know of a stored row without decoding it. */
export interface RowFacts {
  /** Of an endpoints row; 0 of an export. */
  readonly endpoints: number;
  /** Undefined: for every member. */
  readonly audience: ReadonlySet<ClusterId> | undefined;
}

const ROW_ENDPOINTS = 4;
const ENDPOINTS_ENDPOINT = 4;
const ROW_AUDIENCE = 5;
const AUDIENCE_CLUSTERS = 1;

/**
 * Reads the facts out of an encoded Row by skipping over everything else: it is done for each row that is stored or
 * loaded. Bytes that are no row, which no member can have stored, are for nobody.
 */
export function inspectRow(bytes: Uint8Array): RowFacts {
  try {
    return readFacts(bytes);
  } catch {
    return UNREADABLE;
  }
}

const UNREADABLE: RowFacts = { endpoints: 0, audience: new Set() };

function readFacts(bytes: Uint8Array): RowFacts {
  const reader = new BinaryReader(bytes);
  let endpoints = 0;
  let audience: ReadonlySet<ClusterId> | undefined;
  while (reader.pos < reader.len) {
    const [field, wireType] = reader.tag();
    if (field === ROW_ENDPOINTS) endpoints += countField(reader.bytes(), ENDPOINTS_ENDPOINT);
    else if (field === ROW_AUDIENCE) audience = readClusters(reader.bytes());
    else reader.skip(wireType, field);
  }
  return { endpoints, audience };
}

/** Their syntax was checked before the row was stored. */
function readClusters(bytes: Uint8Array): ReadonlySet<ClusterId> {
  const reader = new BinaryReader(bytes);
  const clusters = new Set<ClusterId>();
  while (reader.pos < reader.len) {
    const [field, wireType] = reader.tag();
    if (field === AUDIENCE_CLUSTERS) clusters.add(reader.string() as ClusterId);
    else reader.skip(wireType, field);
  }
  return clusters;
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
