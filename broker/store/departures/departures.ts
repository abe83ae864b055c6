import type { ClusterId } from "../../../api/cluster-id.ts";
import { err, ok, type Result } from "../../../api/result.ts";
import type { Store, StoreError } from "../store.ts";

/**
 * Which clusters left, and their last incarnation, kept apart from the rows: rows can be sent again by their owners, but
 * that a certificate is void is known to the broker alone. So it must outlive a store that is lost.
 */
export interface Departures {
  readonly departed: ReadonlyMap<ClusterId, number>;
  /** To be called first. Error: they cannot be read; who may connect cannot be told without them. */
  load(): Promise<Result<void, string>>;
  /** Resolves once it is durable; never forgets a later departure. Error: it could not be written. */
  record(cluster: ClusterId, incarnation: number): Promise<Result<void, string>>;
}

/** Each learns what only the other knows: a store that was lost, or one from before departures were kept apart. */
export async function agreeAboutDepartures(
  store: Store,
  departures: Departures,
): Promise<Result<void, StoreError>> {
  const loaded = await departures.load();
  if (!loaded.ok) return err({ kind: "store-failed", text: loaded.error });
  for (const [cluster, incarnation] of departures.departed) {
    if ((store.table.departed(cluster) ?? -1) >= incarnation) continue;
    const told = await store.append([{ kind: "gone", cluster, incarnation }]);
    if (!told.ok) return told;
  }
  for (const [cluster, incarnation] of store.table.departures()) {
    const recorded = await departures.record(cluster, incarnation);
    if (!recorded.ok) return err({ kind: "store-failed", text: recorded.error });
  }
  return ok(undefined);
}
