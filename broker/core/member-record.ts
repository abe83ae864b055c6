import type { ClusterId } from "../../api/cluster-id.ts";

/** A cluster that joined, and its present life. */
export interface MemberRecord {
  readonly cluster: ClusterId;
  readonly incarnation: number;
  readonly joinedAtMs: number;
  /** Hexadecimal. */
  readonly certificateSerial: string;
}
