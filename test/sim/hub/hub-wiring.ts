import type { renewalDueMs } from "../../../broker/identity/authority/certificate-life.ts";
import type { phaseAt } from "../../../broker/identity/authority/rotation.ts";
import type { RevokedRows } from "../../../broker/identity/revocations.ts";
import type { Space } from "../../../broker/store/space/space.ts";
import type { Store } from "../../../broker/store/store.ts";

/** Where a planted bug may sit between the real parts of a hub: each is a wrapper around a port or a pure rule. */
export interface HubWiring {
  /** Between a replica's store and the space. */
  readonly space?: (space: Space) => Space;
  /** Between a replica's hub and its store. */
  readonly store?: (store: Store) => Store;
  /** What an admin's word is taken for. */
  readonly revokedRows?: (rows: RevokedRows) => RevokedRows;
  readonly phaseAt?: typeof phaseAt;
  readonly renewalDueMs?: typeof renewalDueMs;
  /** A renewed certificate is kept, and connections go on with the one before. */
  readonly keepsOldCertificate?: boolean;
}

export const CORRECT_HUB: HubWiring = {};
