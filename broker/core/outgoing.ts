import { BinaryWriter } from "@bufbuild/protobuf/wire";
import { BrokerMessage, type OwnerVersion } from "../../api/broker/broker.gen.ts";
import type { ClusterId } from "../../api/cluster-id.ts";

/** What the broker says to a member. Rows are kept as the message that carries them: all members are sent the same bytes. */
export type SingleOutgoing =
  | {
      readonly kind: "message";
      readonly message: NonNullable<BrokerMessage["message"]>;
      /** Given of one that many members are sent: the message, encoded. */
      readonly encoded?: Uint8Array;
    }
  | {
      readonly kind: "row";
      readonly sequence: number;
      /** An encoded BrokerMessage, a RowPut. */
      readonly encoded: Uint8Array;
    };

export type Outgoing =
  | SingleOutgoing
  /** An encoded BrokerMessage, a Batch of others. */
  | { readonly kind: "batch"; readonly encoded: Uint8Array };

const ROW_PUT_TAG = (3 << 3) | 2;
const CLUSTER_TAG = (1 << 3) | 2;
const INCARNATION_TAG = 2 << 3;
const SEQUENCE_TAG = 3 << 3;
const ROW_TAG = (4 << 3) | 2;

/** An encoded BrokerMessage; it may be shared: it must not be changed. */
export function encodeOutgoing(outgoing: Outgoing): Uint8Array {
  return outgoing.kind === "message"
    ? (outgoing.encoded ?? BrokerMessage.encode({ message: outgoing.message }).finish())
    : outgoing.encoded;
}

/** Everything of an owner has been sent up to a version: a message that many members are sent. */
export function sayComplete(version: OwnerVersion): SingleOutgoing {
  const message = { $case: "ownerComplete", value: { version } } as const;
  return { kind: "message", message, encoded: BrokerMessage.encode({ message }).finish() };
}

/** A BrokerMessage that carries a row, whose own bytes are copied to its very end without being decoded. */
export function encodeRowPut(put: {
  readonly cluster: ClusterId;
  readonly incarnation: number;
  readonly sequence: number;
  /** An encoded Row. */
  readonly bytes: Uint8Array;
}): Uint8Array {
  return new BinaryWriter()
    .uint32(ROW_PUT_TAG)
    .fork()
    .uint32(CLUSTER_TAG)
    .string(put.cluster)
    .uint32(INCARNATION_TAG)
    .uint64(put.incarnation)
    .uint32(SEQUENCE_TAG)
    .uint64(put.sequence)
    .uint32(ROW_TAG)
    .bytes(put.bytes)
    .join()
    .finish();
}
