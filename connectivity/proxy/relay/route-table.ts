import type { ClusterId } from "../../../api/cluster-id.ts";

/** A way to a cluster through others, as a neighbour announces it. */
export interface Route {
  readonly to: ClusterId;
  /** Sum over the links, see `linkCost`. */
  readonly cost: number;
  /** The members on the way, whoever announces it first; `to` is not among them. */
  readonly path: readonly ClusterId[];
}

/** Relays between two members, at most. */
export const MAX_RELAYS = 3;

/** BOUNDED: routes of one neighbour; further ones are passed over. */
export const MAX_ROUTES = 512;

const STEP_MS = 5;

/** Price of a link whatever its round trip: what ways differ by less is noise. As many milliseconds would cost the same. */
export const HOP_COST = 10;

/** Cost of a link by its round trip time. In steps, so that noise changes nothing, and with a price for the hop itself. */
export function linkCost(rttMs: number): number {
  return HOP_COST + Math.ceil(rttMs / STEP_MS) * STEP_MS;
}

/**
 * Which member to ask for a way to another. A path vector: every route names the members on its way, and who finds itself there
 * does not take it, so there are no loops, and nothing has to be counted to infinity when a link is lost.
 */
export class RouteTable {
  readonly #self: ClusterId;
  /** BOUNDED: by the members. */
  readonly #links = new Map<ClusterId, number>();
  /** BOUNDED: by the members, MAX_ROUTES each. */
  readonly #announced = new Map<ClusterId, readonly Route[]>();

  constructor(self: ClusterId) {
    this.#self = self;
  }

  /** @param cost undefined: there is no direct tunnel. */
  setLink(peer: ClusterId, cost: number | undefined): void {
    if (cost !== undefined) {
      this.#links.set(peer, cost);
    } else {
      this.#links.delete(peer);
      this.#announced.delete(peer);
    }
  }

  /** All that a neighbour says it can reach. What does not begin with itself, or leads through us, is not believed. */
  setAnnounced(peer: ClusterId, routes: readonly Route[]): void {
    const usable = routes
      .filter(
        ({ to, cost, path }) =>
          path[0] === peer &&
          path.length <= MAX_RELAYS &&
          to !== this.#self &&
          !path.includes(this.#self) &&
          !path.includes(to) &&
          Number.isFinite(cost) &&
          cost > 0,
      )
      .slice(0, MAX_ROUTES);
    if (usable.length === 0) this.#announced.delete(peer);
    else this.#announced.set(peer, usable);
  }

  /** The cheapest way through others; of equals the shortest, then the first by name, so that all choose alike. */
  best(to: ClusterId): Route | undefined {
    return this.waysTo(to)[0];
  }

  /** The cheapest way by each neighbour, the best one first. */
  waysTo(to: ClusterId): readonly Route[] {
    const ways: Route[] = [];
    for (const [peer, routes] of this.#announced) {
      const link = this.#links.get(peer);
      if (link === undefined) continue;
      const [way] = routes
        .filter((route) => route.to === to)
        .map((route) => ({ ...route, cost: route.cost + link }))
        .toSorted(compareRoutes);
      if (way !== undefined) ways.push(way);
    }
    return ways.toSorted(compareRoutes);
  }

  /** What to tell a neighbour: our links, and the best ways on, without those that lead through it. */
  announcementFor(peer: ClusterId): readonly Route[] {
    const direct = [...this.#links]
      .filter(([to]) => to !== peer)
      .map(([to, cost]): Route => ({ to, cost, path: [this.#self] }));
    const further = [...new Set([...this.#announced.values()].flat().map(({ to }) => to))]
      .filter((to) => to !== peer && !this.#links.has(to))
      .flatMap((to) => {
        const route = this.best(to);
        if (route === undefined || route.path.includes(peer)) return [];
        return [{ ...route, path: [this.#self, ...route.path] }];
      })
      .filter(({ path }) => path.length <= MAX_RELAYS);
    return [...direct, ...further].toSorted((a, b) => (a.to < b.to ? -1 : 1)).slice(0, MAX_ROUTES);
  }
}

/** Cheaper ones first. */
export function compareRoutes(a: Route, b: Route): number {
  if (a.cost !== b.cost) return a.cost - b.cost;
  if (a.path.length !== b.path.length) return a.path.length - b.path.length;
  return a.path.join() < b.path.join() ? -1 : 1;
}
