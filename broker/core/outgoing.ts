import { BinaryWriter } from "@bufbuild/protobuf/wire";
import { BrokerMessage } from "../../api/broker/broker.gen.ts";
import type { ClusterId } from "../../api/cluster-id.ts";

/** What the broker says to a member. Rows stay encoded: the broker only passes them on. */
export type Outgoing =
  | { readonly kind: "message"; readonly message: NonNullable<BrokerMessage["message"]> }
  | {
      readonly kind: "row";
      readonly cluster: ClusterId;
      readonly incarnation: number;
      readonly sequence: number;
      /** An encoded Row. */
      readonly bytes: Uint8Array;
    };

const ROW_PUT_TAG = (3 << 3) | 2;
const CLUSTER_TAG = (1 << 3) | 2;
const INCARNATION_TAG = 2 << 3;
const SEQUENCE_TAG = 3 << 3;
const ROW_TAG = (4 << 3) | 2;

/** An encoded BrokerMessage. A row's bytes are copied into a RowPut without being decoded. */
export function encodeOutgoing(outgoing: Outgoing): Uint8Array {
  if (outgoing.kind === "message") {
    return BrokerMessage.encode({ message: outgoing.message }).finish();
  }
  return new BinaryWriter()
    .uint32(ROW_PUT_TAG)
    .fork()
    .uint32(CLUSTER_TAG)
    .string(outgoing.cluster)
    .uint32(INCARNATION_TAG)
    .uint64(outgoing.incarnation)
    .uint32(SEQUENCE_TAG)
    .uint64(outgoing.sequence)
    .uint32(ROW_TAG)
    .bytes(outgoing.bytes)
    .join()
    .finish();
}
