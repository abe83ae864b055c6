import type { ClusterId } from "../../../api/cluster-id.ts";
import { compareRoutes, HOP_COST, type Route } from "./route-table.ts";

/** Ways to one peer that are kept at once. */
export const MAX_WAYS = 3;

/** Looks in a row at which a way must have been too dear before it is left: round trips are noise for seconds on a busy machine. */
export const LEAVE_AFTER_LOOKS = 20;

/**
 * Through which neighbours to keep tunnels to one peer: the cheapest way, and the cheapest of those that have no relay in common
 * with it and with one another, so that a relay that dies takes one of them along and leaves the others.
 *
 * A way that is kept stays until another one that would take its place has cost a hop less for a while.
 */
export class RelayWays {
  /** By neighbour: at how many looks in a row its way was too dear. BOUNDED: by MAX_WAYS. */
  #kept: ReadonlyMap<ClusterId, number> = new Map();

  /** @param routes the best one by each neighbour, as they are now */
  look(routes: readonly Route[]): readonly ClusterId[] {
    const order = routes.toSorted(compareRoutes);
    const wished = apart(order);
    const better = wished.find((route) => !this.#kept.has(viaOf(route)));
    const dearLooks = new Map<ClusterId, number>();
    for (const route of order) {
      const before = this.#kept.get(viaOf(route));
      if (before === undefined) continue;
      const isDear =
        better !== undefined && better.cost + HOP_COST <= route.cost && !wished.includes(route);
      dearLooks.set(viaOf(route), isDear ? before + 1 : 0);
    }
    const isLeft = (route: Route): boolean =>
      (dearLooks.get(viaOf(route)) ?? 0) >= LEAVE_AFTER_LOOKS;
    const stay = order.filter((route) => dearLooks.has(viaOf(route)) && !isLeft(route));
    // Room that was made is for the better one, whatever else is kept has in common with it.
    const first = better !== undefined && order.some(isLeft) ? [better] : [];
    const next = apart([...new Set([...first, ...stay, ...order])]);
    this.#kept = new Map(
      next.map((route) => [viaOf(route), isLeft(route) ? 0 : (dearLooks.get(viaOf(route)) ?? 0)]),
    );
    return [...this.#kept.keys()];
  }
}

function viaOf({ path, to }: Route): ClusterId {
  return path[0] ?? to;
}

/** The first ones that have no relay in common. */
function apart(order: readonly Route[]): readonly Route[] {
  const taken: Route[] = [];
  for (const route of order) {
    if (taken.length === MAX_WAYS) break;
    const isApart = taken.every(({ path }) => !path.some((relay) => route.path.includes(relay)));
    if (isApart) taken.push(route);
  }
  return taken;
}
