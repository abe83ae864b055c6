import type { ClusterId } from "../../api/cluster-id.ts";

/** A cluster that joined, and its present life. */
export interface MemberRecord {
  readonly cluster: ClusterId;
  readonly incarnation: number;
  readonly joinedAtMs: number;
  /** Of its latest certificate, hexadecimal. */
  readonly certificateSerial: string;
  /** End of its latest certificate, epoch milliseconds; absent: not known. */
  readonly certificateExpiresAtMs?: number;
  /**
   * When an admin revoked this life and left its rows as they are; absent: not revoked. Stays set for this incarnation:
   * only a new life ends it.
   */
  readonly frozenAtMs?: number;
}
