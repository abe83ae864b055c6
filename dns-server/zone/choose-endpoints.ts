import type { EndpointSlice } from "../../api/kube/endpoint-slice.ts";
import { type Balancing, NO_BALANCING } from "./balancing.ts";
import type { IpAddress } from "./ip-address.ts";
import { type ClusterHealth, servesAlone } from "./local-preference.ts";

/** A ready endpoint of a headless service. */
export interface ReadyEndpoint {
  readonly cluster: string;
  /** `<hostname>.<cluster>`: addresses with one target are one endpoint. */
  readonly target: string;
  readonly address: IpAddress;
  readonly slice: EndpointSlice;
}

export interface EndpointPolicy {
  /** Most addresses of each family that answers hold; undefined: all. */
  readonly endpointsMax?: number;
  /** Whether annotations on exports count, and which cluster is the local one. @default they do not */
  readonly balancing?: { readonly localCluster?: string };
}

export interface ChosenEndpoints {
  readonly endpoints: readonly ReadyEndpoint[];
  /** Each endpoint's part of the traffic, by `endpoints`; undefined: all alike. */
  readonly shares?: readonly number[];
  /** The local cluster is preferred and not healthy enough to serve alone. */
  readonly hasSpilled: boolean;
}

/**
 * The endpoints that the service's own name leads to: the local ones when they are preferred and healthy enough, without clusters of weight 0
 * unless nothing else is left, and at most `endpointsMax`. Depends on the endpoints alone, so A, AAAA and SRV agree
 * (DNS-20, DNS-23), and a change of one endpoint moves no other; but for `hadSpilled`, what was said of the service before.
 */
export function chooseEndpoints(
  ready: readonly ReadyEndpoint[],
  health: ReadonlyMap<string, ClusterHealth>,
  balancing: Balancing = NO_BALANCING,
  policy: EndpointPolicy = {},
  hadSpilled = false,
): ChosenEndpoints {
  const { localCluster } = policy.balancing ?? {};
  const local = localCluster === undefined ? undefined : health.get(localCluster);
  const isPreferred = balancing.prefersLocal && local !== undefined && local.total > 0;
  const isAlone = isPreferred && servesAlone(local, balancing.localThreshold, hadSpilled);
  const hasSpilled = isPreferred && !isAlone;
  const preferred = isAlone ? ready.filter(({ cluster }) => cluster === localCluster) : ready;
  const weights = isAlone ? undefined : balancing.weights;
  const weighted = weights === undefined ? preferred : withoutZero(preferred, weights);
  const { endpointsMax } = policy;
  const endpoints = endpointsMax === undefined ? weighted : subset(weighted, endpointsMax, weights);
  if (weights === undefined) return { endpoints, hasSpilled };
  return { endpoints, shares: sharesOf(endpoints, weights), hasSpilled };
}

function withoutZero(
  endpoints: readonly ReadyEndpoint[],
  weights: ReadonlyMap<string, number>,
): readonly ReadyEndpoint[] {
  const wanted = endpoints.filter(({ cluster }) => weightOf(cluster, weights) > 0);
  return wanted.length > 0 ? wanted : endpoints;
}

function weightOf(cluster: string, weights: ReadonlyMap<string, number>): number {
  return weights.get(cluster) ?? 1;
}

/**
 * Weighted rendezvous hashing: each target draws a number from its name, the highest stay. Addresses of one target stay
 * together, so both families name the same endpoints.
 */
function subset(
  endpoints: readonly ReadyEndpoint[],
  endpointsMax: number,
  weights: ReadonlyMap<string, number> | undefined,
): readonly ReadyEndpoint[] {
  const targets = Map.groupBy(endpoints, ({ target }) => target);
  const perCluster = countBy(endpoints, ({ cluster }) => cluster);
  const ordered = [...targets]
    .map(([target, members]) => {
      const cluster = members[0]?.cluster ?? "";
      const share =
        weights === undefined
          ? 1
          : Math.max(1, weightOf(cluster, weights)) / (perCluster.get(cluster) ?? 1);
      return { members, score: -Math.log(unitHash(target)) / share };
    })
    .toSorted((left, right) => left.score - right.score);
  const left = { IPv4: endpointsMax, IPv6: endpointsMax };
  const kept = new Set<ReadyEndpoint>();
  for (const { members } of ordered) {
    const families = members.map(({ address }) => address.family);
    if (families.some((family) => left[family] <= 0)) continue;
    for (const member of members) {
      left[member.address.family]--;
      kept.add(member);
    }
  }
  return endpoints.filter((endpoint) => kept.has(endpoint));
}

/** A cluster's part is split evenly between its endpoints of one family. */
function sharesOf(
  endpoints: readonly ReadyEndpoint[],
  weights: ReadonlyMap<string, number>,
): readonly number[] {
  const peers = countBy(endpoints, ({ cluster, address }) => `${address.family} ${cluster}`);
  return endpoints.map(({ cluster, address }) => {
    // Weight 0 is here only when nothing else is left.
    return (
      Math.max(1, weightOf(cluster, weights)) / (peers.get(`${address.family} ${cluster}`) ?? 1)
    );
  });
}

function countBy<T>(items: readonly T[], keyOf: (item: T) => string): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  for (const item of items) counts.set(keyOf(item), (counts.get(keyOf(item)) ?? 0) + 1);
  return counts;
}

/** A number above 0 and below 1 that depends on the text alone (FNV-1a, then mixed: names differ in one letter). */
function unitHash(text: string): number {
  let hash = 0x811c9dc5;
  for (let index = 0; index < text.length; index++) {
    hash = Math.imul(hash ^ text.charCodeAt(index), 0x01000193);
  }
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (((hash ^ (hash >>> 16)) >>> 0) + 0.5) / 2 ** 32;
}
