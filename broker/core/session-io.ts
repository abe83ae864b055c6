import type { MemberMessage } from "../../api/broker/broker.gen.ts";
import type { ClusterId } from "../../api/cluster-id.ts";
import type { GlobalBlock, GlobalNeed } from "../globals/global-block.ts";
import type { StoreRecord } from "./store-record.ts";

/** Who is at the other end, as its certificate says. */
export interface SessionPeer {
  readonly cluster: ClusterId;
  readonly incarnation: number;
  /** Hexadecimal. */
  readonly certificateSerial: string;
  /** Wall time; absent where there are no certificates: in tests and the simulation. */
  readonly certificateExpiresAtMs?: number;
}

export type SessionInput =
  | { readonly kind: "message"; readonly message: MemberMessage["message"]; readonly nowMs: number }
  /**
   * All that was appended before this session's Hello is in the table, and the member's global addresses have been looked
   * up, where it needs some.
   */
  | { readonly kind: "settled"; readonly globals?: GlobalBlock }
  /** The appends of this session up to this sequence are in the table. */
  /** Everything may be sent now to a member that came with nothing. */
  | { readonly kind: "turn" }
  | { readonly kind: "durable"; readonly sequence: number }
  | { readonly kind: "owners-changed"; readonly clusters: ReadonlySet<ClusterId> }
  | { readonly kind: "presence-changed"; readonly clusters: ReadonlySet<ClusterId> }
  | { readonly kind: "tick"; readonly nowMs: number }
  /** The broker will stop: ask the member to move its stream within this time. */
  | { readonly kind: "go-away"; readonly withinMs: number };

export type SessionEffect =
  /** Append, then answer with `durable` and this sequence. An empty list still waits for its turn. */
  | {
      readonly kind: "append";
      readonly records: readonly StoreRecord[];
      readonly sequence: number;
    }
  /** Answer with `settled` when everything appended so far is in the table, and with what the member gets for its need. */
  | { readonly kind: "settle"; readonly need?: GlobalNeed }
  | { readonly kind: "refused" }
  | { readonly kind: "close"; readonly reason: CloseReason };

export interface CloseReason {
  readonly kind: /** The member broke the protocol or a limit: coming back with the same will not help. */
    | "protocol"
    /** Its certificate is of a life that is over: it must join again. */
    | "over"
    /** Its certificate is, and it did not come back with a newer one. */
    | "expired"
    | "replaced"
    | "silent"
    /** It does not take what it is sent. */
    | "unread"
    | "store-failed"
    /** What the hub lets this cluster do has changed: its next stream begins under the new rules. */
    | "policy"
    | "stopping";
  readonly text: string;
}
