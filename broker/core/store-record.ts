import type { RowKey } from "../../api/broker/row.ts";
import type { ClusterId } from "../../api/cluster-id.ts";
import type { MemberRecord } from "./member-record.ts";

/** One change of the broker's durable state. Applying a record twice, or an outdated one, changes nothing. */
export type StoreRecord =
  | {
      readonly kind: "row";
      readonly cluster: ClusterId;
      readonly incarnation: number;
      readonly sequence: number;
      readonly key: RowKey;
      /** Canonical encoding of the row (wire/encode-row.ts). */
      readonly bytes: Uint8Array;
    }
  | {
      readonly kind: "delete";
      readonly cluster: ClusterId;
      readonly incarnation: number;
      readonly sequence: number;
      readonly key: RowKey;
      /** The row was not for everybody; said where the row itself is not known any more, as in a snapshot. */
      readonly restricted?: true;
    }
  /** The owner has sent all its rows: they may be shown to others. */
  | { readonly kind: "complete"; readonly cluster: ClusterId; readonly incarnation: number }
  | { readonly kind: "member"; readonly member: MemberRecord }
  /** The cluster left; lives up to this incarnation are over for good. */
  | { readonly kind: "gone"; readonly cluster: ClusterId; readonly incarnation: number }
  /** Closes an owner's records in a snapshot: what cannot be told from its rows. */
  | {
      readonly kind: "owner";
      readonly cluster: ClusterId;
      readonly incarnation: number;
      readonly sequence: number;
      readonly complete: boolean;
      /** Tombstones up to this sequence have been forgotten. */
      readonly trimmedSequence: number;
    };
