import type { Row, RowKey, RowVersion } from "../../../api/broker/row.ts";
import type { ClusterId } from "../../../api/cluster-id.ts";

/** What one process of a member leaves for the next: enough to be sent only what has changed since. */
export interface SavedState {
  /** Identity of the broker's data that the versions refer to. */
  readonly epoch: string;
  /** Namespaces that the versions speak for. */
  readonly namespaces: readonly string[];
  /** What slices let this member see when it was sent these rows (Hello.visibility). */
  readonly visibility: string;
  readonly owners: readonly SavedOwner[];
  readonly ownRows: readonly SavedOwnRow[];
}

/** Another cluster's rows, whole up to its version. */
export interface SavedOwner extends RowVersion {
  readonly cluster: ClusterId;
  readonly rows: readonly SavedRow[];
}

/** One foreign row and the write it came from. */
export interface SavedRow {
  readonly row: Row;
  readonly version: RowVersion;
}

/** An own row as the broker was last known to hold it. */
export interface SavedOwnRow {
  readonly key: RowKey;
  readonly sequence: number;
  /** SHA-256 of its canonical encoding, base64. */
  readonly digest: string;
}
