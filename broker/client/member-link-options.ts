import type { ClusterId } from "../../api/cluster-id.ts";
import type { Clock } from "../../runtime/clock/clock.ts";
import type { Logger } from "../../runtime/log/log.ts";
import type { Random } from "../../runtime/random/random.ts";
import type { Propagation } from "./propagation.ts";
import type { SavedState } from "./saved/saved-state.ts";
import type { SyncTransport } from "./sync-transport.ts";

export interface MemberLinkOptions {
  readonly clusterId: ClusterId;
  /** CIDRs that this cluster's endpoint addresses lie in; empty: not announced. */
  readonly cidrs?: readonly string[];
  /** It takes part in connectivity: network rows are wanted, and one of its own is said or withdrawn by setOwnNetwork. */
  readonly hasNetwork?: boolean;
  /** Of an earlier process of this member: the broker sends only what has changed since. */
  readonly saved?: SavedState | undefined;
  /** It makes the slices that it is told of hold in this cluster; otherwise the broker keeps their namespaces from it. */
  readonly keepsSlices?: boolean;
}

export interface MemberLinkDeps {
  readonly transport: SyncTransport;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
  /** Told of each change's hops. */
  readonly propagation?: Propagation | undefined;
}
