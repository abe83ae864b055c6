import type { ClusterId } from "../../api/cluster-id.ts";
import { ok, type Result } from "../../api/result.ts";
import type { Changing } from "../../runtime/config/changing.ts";
import type { Logger } from "../../runtime/log/log.ts";
import {
  type ClusterPolicy,
  type HubPolicy,
  isSamePolicy,
  UNLIMITED,
} from "../policy/cluster-policy.ts";
import { withdrawals } from "../policy/withdrawals.ts";
import type { Store, StoreError } from "../store/store.ts";
import type { BrokerMetrics } from "./metrics.ts";

interface Deps {
  readonly policy: Changing<HubPolicy>;
  readonly store: Store;
  readonly log: Logger;
  readonly metrics: Pick<BrokerMetrics, "withdrawnRows">;
  /** Called for each cluster whose policy has become another, before its stored rows are looked at. */
  readonly onChanged: (cluster: ClusterId) => void;
}

type Enforced = Result<void, StoreError>;

/**
 * Keeps what is stored within the hub's policy. New writes are checked as they come; rows that were stored under other
 * rules are looked at again when a cluster's policy becomes another and when the broker starts. What is no longer allowed
 * is deleted, while the cluster has no stream: its next one sends the row again and is refused with the reason, or, when it
 * is allowed again by then, stored.
 */
export class PolicyKeeper {
  readonly #deps: Deps;
  /** Policy that all stored rows of a cluster are known to keep; none: unlimited. BOUNDED: by the members. */
  readonly #enforced = new Map<ClusterId, ClusterPolicy>();
  /** BOUNDED: by the members. */
  readonly #running = new Map<ClusterId, Promise<Enforced>>();
  /**
   * Owners that no stream of this process has written for: if the table has nothing against their policy, nothing is on its
   * way either, and a stream that they may have at another replica is left alone. BOUNDED: by the members.
   */
  readonly #unwritten = new Set<ClusterId>();
  /** Of those that are connected or own rows. BOUNDED: by the members. */
  readonly #known = new Map<ClusterId, ClusterPolicy>();
  #unsubscribe: (() => void) | undefined;

  constructor(deps: Deps) {
    this.#deps = deps;
  }

  start(): void {
    this.#unsubscribe = this.#deps.policy.subscribe(() => this.#changed());
    for (const { cluster } of this.#deps.store.table.owners()) this.#unwritten.add(cluster);
    this.enforceAll();
  }

  stop(): void {
    this.#unsubscribe?.();
  }

  of(cluster: ClusterId): ClusterPolicy {
    return this.#deps.policy.current.of(cluster);
  }

  /** Of a stream that begins: it is told when this changes. */
  follow(cluster: ClusterId): ClusterPolicy {
    const policy = this.of(cluster);
    this.#unwritten.delete(cluster);
    this.#known.set(cluster, policy);
    return policy;
  }

  /**
   * When nothing is stored any more that policy denies: of no owner, so that nobody is shown any, and of this one, whatever
   * its earlier streams had on their way. Undefined: it is so now.
   */
  settled(): Promise<Enforced> | undefined {
    this.enforceAll();
    return this.#running.size === 0
      ? undefined
      : Promise.all(this.#running.values()).then(
          (results) => results.find(({ ok: isOk }) => !isOk) ?? ok(undefined),
        );
  }

  /** Also what the store could not do before. */
  enforceAll(): void {
    for (const { cluster } of this.#deps.store.table.owners()) this.#enforce(cluster);
  }

  #changed(): void {
    const { store, onChanged } = this.#deps;
    for (const { cluster } of store.table.owners()) {
      if (!this.#known.has(cluster))
        this.#known.set(cluster, this.#enforced.get(cluster) ?? UNLIMITED);
    }
    for (const [cluster, before] of this.#known) {
      const now = this.of(cluster);
      if (isSamePolicy(before, now)) continue;
      this.#known.set(cluster, now);
      onChanged(cluster);
    }
    this.enforceAll();
  }

  #enforce(cluster: ClusterId): void {
    if (this.#running.has(cluster) || this.#isEnforced(cluster, this.of(cluster))) return;
    // Whoever has come since the start came to another replica, which keeps to the same rules.
    const isNew = !this.#known.has(cluster) && !this.#enforced.has(cluster);
    if (isNew) this.#unwritten.add(cluster);
    const run = this.#run(cluster).finally(() => this.#running.delete(cluster));
    this.#running.set(cluster, run);
  }

  #against(cluster: ClusterId, policy: ClusterPolicy): ReturnType<typeof withdrawals> {
    const owner = this.#deps.store.table.owner(cluster);
    return owner === undefined ? [] : withdrawals(owner, policy);
  }

  #isEnforced(cluster: ClusterId, policy: ClusterPolicy): boolean {
    return isSamePolicy(this.#enforced.get(cluster) ?? UNLIMITED, policy);
  }

  async #run(cluster: ClusterId): Promise<Enforced> {
    const { store, log, metrics } = this.#deps;
    for (;;) {
      const policy = this.of(cluster);
      if (this.#isEnforced(cluster, policy)) return ok(undefined);
      const isUnwritten = this.#unwritten.delete(cluster);
      if (isUnwritten && this.#against(cluster, policy).length === 0) {
        this.#enforced.set(cluster, policy);
        continue;
      }
      // Ends what earlier streams have on their way, at other replicas too; all that they were told is stored shows.
      const session = await store.openSession(cluster);
      if (!session.ok) return session;
      const records = this.#against(cluster, policy);
      const withdrawn = await session.value.append(records);
      if (!withdrawn.ok && withdrawn.error.kind === "replaced") {
        // Another replica writes for it by now, under the same rules: what is left to do shows in the table.
        this.#unwritten.add(cluster);
        continue;
      }
      if (!withdrawn.ok) return withdrawn;
      this.#enforced.set(cluster, policy);
      if (records.length === 0) continue;
      metrics.withdrawnRows.add(records.length, { cluster });
      log.warn("stored rows withdrawn: the hub's policy no longer allows them", {
        cluster,
        rows: records.length,
      });
    }
  }
}
