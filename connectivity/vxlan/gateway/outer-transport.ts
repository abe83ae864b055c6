import type { Result } from "../../../api/result.ts";
import type { ReachedAt } from "../../report/reporter.ts";
import type { OwnNetwork, PeerNetwork } from "../plan/networks.ts";
import type { Outer } from "../plan/outer-paths.ts";

export interface Prepared {
  readonly outer: Outer;
  /** What peers need to know of it. */
  readonly facts: ReachedAt;
}

/** What packets between gateways travel in: plain, or inside WireGuard. */
export interface OuterTransport {
  /** Brings it to what the peers need. */
  prepare(
    network: OwnNetwork,
    peers: readonly PeerNetwork[],
    signal: AbortSignal,
  ): Promise<Result<Prepared, string>>;
  /** False: `prepare` may have another result soon though nobody tells. */
  isSettled(): boolean;
  /** Leaves no trace of it. */
  cleanup(signal: AbortSignal): Promise<Result<void, string>>;
}
