import type { ClusterId } from "../../api/cluster-id.ts";
import type { Clock } from "../../runtime/clock/clock.ts";
import { MessageBudget } from "./message-budget.ts";

/** Each member's budget, which outlives its streams. */
export class MessageBudgets {
  readonly #clock: Clock;
  /** BOUNDED: by the members that are connected, and those whose budget has not filled up again since they left. */
  readonly #budgets = new Map<ClusterId, MessageBudget>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  of(cluster: ClusterId): MessageBudget {
    const known = this.#budgets.get(cluster);
    if (known !== undefined) return known;
    const budget = new MessageBudget(this.#clock.monotonicMs());
    this.#budgets.set(cluster, budget);
    return budget;
  }

  /** Forgets those that have nothing to remember; a stream that is there keeps its own. */
  forgetFull(isConnected: (cluster: ClusterId) => boolean): void {
    const nowMs = this.#clock.monotonicMs();
    for (const [cluster, budget] of this.#budgets) {
      if (!isConnected(cluster) && budget.isFull(nowMs)) this.#budgets.delete(cluster);
    }
  }
}
