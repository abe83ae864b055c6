import type { ClusterId } from "../../../api/cluster-id.ts";
import type { StoreRecord } from "../../core/store-record.ts";

/** What became of what was heard. */
export interface FoldOutcome {
  /** Clusters whose records start over: what is known of them goes first. */
  readonly forgotten: ReadonlySet<ClusterId>;
  /** In the order in which they are applied. */
  readonly records: readonly StoreRecord[];
  readonly entries: readonly HeardEntry[];
  /** Items that nobody needs any more. */
  readonly leftovers: readonly string[];
  /** Clusters of which somebody has removed what was needed: their logs must be written anew from the table. */
  readonly damaged: ReadonlySet<ClusterId>;
  readonly replicasChanged: boolean;
  readonly problem?: FoldProblem;
}

export interface HeardEntry {
  readonly cluster: ClusterId;
  readonly index: number;
  readonly id: string;
  readonly opensSession: boolean;
  readonly session: string;
  readonly isVoid: boolean;
}

export interface FoldProblem {
  /** missed: another snapshot helps. lost: the contents are not those that this replica knows: nothing helps. */
  readonly kind: "missed" | "lost";
  readonly text: string;
}

/** Collects an outcome. */
export class OutcomeBuilder implements FoldOutcome {
  readonly forgotten = new Set<ClusterId>();
  readonly records: StoreRecord[] = [];
  readonly entries: HeardEntry[] = [];
  readonly leftovers: string[] = [];
  readonly damaged = new Set<ClusterId>();
  replicasChanged = false;
  problem?: FoldProblem;

  /** The first one counts, except that nothing outdoes a loss. */
  fail(kind: FoldProblem["kind"], text: string): void {
    if (this.problem === undefined || kind === "lost") this.problem = { kind, text };
  }
}
