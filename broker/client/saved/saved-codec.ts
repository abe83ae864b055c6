import { BinaryReader, BinaryWriter } from "@bufbuild/protobuf/wire";
import { SavedRecord } from "../../../api/broker/saved.gen.ts";
import { type ClusterId, parseClusterId } from "../../../api/cluster-id.ts";
import { assertNever } from "../../../api/invariant.ts";
import { err, ok, type Result } from "../../../api/result.ts";
import { decodeRowBytes } from "../../wire/decode-row.ts";
import { encodeRowBytes } from "../../wire/encode-row.ts";
import { parseRowKey } from "../../wire/parse-row-key.ts";
import type { SavedOwnRow, SavedRow, SavedState } from "./saved-state.ts";

/** Whose state it is, and by what it was written. */
export interface SavedBy {
  readonly clusterset: string;
  readonly clusterId: ClusterId;
  /** Of the member's identity. */
  readonly incarnation: number;
  readonly schema: Uint8Array;
}

type RecordValue = NonNullable<SavedRecord["record"]>;

/** Encoded at a time: so long the event loop waits. */
const BLOCK_BYTES = 64 * 1024;

/** Length-delimited records, in blocks: what is taken apart in between does not change. */
export function* encodeSaved(state: SavedState, by: SavedBy): IterableIterator<Uint8Array> {
  let writer = new BinaryWriter();
  let bytes = 0;
  for (const record of recordsOf(state, by)) {
    const encoded = SavedRecord.encode({ record }).finish();
    writer.bytes(encoded);
    bytes += encoded.length;
    if (bytes < BLOCK_BYTES) continue;
    yield writer.finish();
    writer = new BinaryWriter();
    bytes = 0;
  }
  yield writer.finish();
}

function* recordsOf(state: SavedState, by: SavedBy): IterableIterator<RecordValue> {
  const { epoch: storeEpoch, namespaces, visibility, owners, ownRows } = state;
  yield { $case: "header", value: { ...by, storeEpoch, namespaces, visibility } };
  for (const { cluster: clusterId, incarnation, sequence, rows } of owners) {
    yield { $case: "owner", value: { clusterId, incarnation, sequence } };
    for (const { row, version } of rows) {
      yield { $case: "row", value: { ...version, row: encodeRowBytes(row) } };
    }
  }
  for (const { key, sequence, digest } of ownRows) {
    yield { $case: "ownRow", value: { key, sequence, digest: Buffer.from(digest, "base64") } };
  }
}

/** Undefined: another member's, or of another version of this software. Error: it is not what `encodeSaved` gives. */
export function decodeSaved(
  bytes: Uint8Array,
  by: SavedBy,
): Result<SavedState | undefined, string> {
  try {
    const reader = new BinaryReader(bytes);
    const next = (): RecordValue | undefined =>
      reader.pos < reader.len ? SavedRecord.decode(reader.bytes()).record : undefined;
    const header = next();
    if (header?.$case !== "header") return err("saved state must begin with its header");
    if (!isBy(header.value, by)) return ok(undefined);
    const reading = new Reading();
    for (let record = next(); record !== undefined; record = next()) {
      const read = reading.take(record);
      if (!read.ok) return read;
    }
    const { storeEpoch: epoch, namespaces, visibility } = header.value;
    const { owners, ownRows } = reading;
    return ok({ epoch, namespaces, visibility, owners, ownRows });
  } catch (error) {
    return err(`saved state must hold readable records: ${String(error)}`);
  }
}

function isBy(
  header: Extract<RecordValue, { $case: "header" }>["value"],
  { clusterset, clusterId, incarnation, schema }: SavedBy,
): boolean {
  return (
    Buffer.compare(header.schema, schema) === 0 &&
    header.clusterset === clusterset &&
    header.clusterId === clusterId &&
    header.incarnation === incarnation
  );
}

interface OwnerBeingRead {
  readonly cluster: ClusterId;
  readonly incarnation: number;
  readonly sequence: number;
  readonly rows: SavedRow[];
}

class Reading {
  readonly owners: OwnerBeingRead[] = [];
  readonly ownRows: SavedOwnRow[] = [];

  take(record: RecordValue): Result<void, string> {
    switch (record.$case) {
      case "owner": {
        const cluster = parseClusterId(record.value.clusterId);
        if (!cluster.ok) return cluster;
        const { incarnation, sequence } = record.value;
        this.owners.push({ cluster: cluster.value, incarnation, sequence, rows: [] });
        return ok(undefined);
      }
      case "row": {
        const owner = this.owners.at(-1);
        if (owner === undefined) return err("saved row must follow its owner: got none");
        const { incarnation, sequence, row } = record.value;
        const decoded = decodeRowBytes(owner.cluster, row);
        if (!decoded.ok) return decoded;
        owner.rows.push({ row: decoded.value, version: { incarnation, sequence } });
        return ok(undefined);
      }
      case "ownRow": {
        const key = parseRowKey(record.value.key);
        if (!key.ok) return key;
        const { sequence } = record.value;
        const digest = Buffer.from(record.value.digest).toString("base64");
        this.ownRows.push({ key: key.value, sequence, digest });
        return ok(undefined);
      }
      case "header":
        return err("saved state must have one header: got another");
      default:
        return assertNever(record);
    }
  }
}
