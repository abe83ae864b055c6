import type { BackendName } from "../../api/network/backend-name.ts";
import type { PathState } from "../../api/network/peer.ts";

/** One way to one peer as it is known now. */
export interface PathFact {
  readonly backend: BackendName;
  /** Why it cannot be used whatever probes say; undefined: it can. */
  readonly unusable: string | undefined;
  readonly state: PathState;
  /** Why the state is what it is, for people. */
  readonly reason: string;
  /** Epoch milliseconds since when; undefined: not known. */
  readonly sinceMs: number | undefined;
  readonly rttMs: number | undefined;
  readonly lossPercent: number | undefined;
  readonly mtu: number | undefined;
}

/** What is measured, before it is known of which backend. */
export type Measured = Omit<PathFact, "backend" | "unusable">;

export const NOT_MEASURED: Measured = {
  state: "unknown",
  reason: "not measured",
  sinceMs: undefined,
  rttMs: undefined,
  lossPercent: undefined,
  mtu: undefined,
};
