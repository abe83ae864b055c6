import {
  type Cidr,
  cidrAround,
  cidrSize,
  cidrsOverlap,
  containsCidr,
  formatCidr,
} from "../../api/network/cidr.ts";
import { addressBits } from "../../api/network/ip-address.ts";
import { MEMBER_CIDRS_MAX } from "../../api/network/member-cidr.ts";

export interface AggregationInput {
  /** What is to be held. */
  readonly wanted: readonly Cidr[];
  /** What was said before, in order of preference: stays while it holds something, since what it is translated to would change with it. */
  readonly known: readonly Cidr[];
  /** What nothing may be added from: it is somebody else's. */
  readonly avoid: readonly Cidr[];
  /** So many are said as they are. */
  readonly few: number;
  /** How many times larger than what it holds a network may be. @default SPREAD */
  readonly spread?: bigint;
}

export interface Aggregation {
  /** At most MEMBER_CIDRS_MAX, apart from each other, in the order of their addresses. */
  readonly networks: readonly Cidr[];
  /** What is wanted and in none of them: there are too many. */
  readonly left: readonly Cidr[];
}

/** Two nodes at the ends of a /16 are of one network; a cluster with 10.4.0.0/24 and 10.200.0.0/24 does not own 10.0.0.0/8. */
export const SPREAD = 256n;

/**
 * Few networks that hold many, as the pod networks of hundreds of nodes. Neighbours become one, and what shares a prefix
 * becomes that prefix, unless it is too wide for what is in it or takes addresses of others. What was said before is never
 * taken back for that: beside it stands what is missing in the common prefix, block by block, so that a cluster that grows
 * keeps the global addresses it has. Only when that comes to too many is everything aggregated anew.
 */
export function aggregateNetworks(input: AggregationInput): Aggregation {
  const wanted = outermost(input.wanted);
  const kept = apart(input.known).filter((known) =>
    wanted.some((network) => containsCidr(known, network)),
  );
  const missing = wanted.filter((network) => !isHeld(network, kept));
  const isFew = kept.length + missing.length <= input.few;
  if (isFew || (missing.length === 0 && kept.length <= MEMBER_CIDRS_MAX)) {
    return { networks: inOrder([...kept, ...missing]), left: [] };
  }
  const grown = cover(kept, missing, input);
  if (grown.length <= MEMBER_CIDRS_MAX) return { networks: inOrder(grown), left: [] };
  const anew = cover([], wanted, input);
  if (anew.length <= MEMBER_CIDRS_MAX) return { networks: inOrder(anew), left: [] };
  const networks = grown.slice(0, MEMBER_CIDRS_MAX);
  return { networks: inOrder(networks), left: wanted.filter((cidr) => !isHeld(cidr, networks)) };
}

/** Those kept first. */
function cover(
  kept: readonly Cidr[],
  missing: readonly Cidr[],
  { avoid, spread = SPREAD }: AggregationInput,
): readonly Cidr[] {
  const isKept = new Set(kept.map(formatCidr));
  const groups = (["IPv4", "IPv6"] as const).flatMap((family) => {
    const items = inOrder([...kept, ...missing].filter((cidr) => cidr.family === family));
    return items.length === 0 ? [] : groupsOf(items, avoid, spread);
  });
  const added = groups.flatMap(({ around, items }) => {
    const there = items.filter((item) => isKept.has(formatCidr(item)));
    if (there.length === items.length) return [];
    return there.length === 0 ? [around] : gaps(around, there, items);
  });
  return [...kept, ...added];
}

interface Group {
  readonly around: Cidr;
  readonly items: readonly Cidr[];
}

/** The widest groups that may be: a prefix that may not be taken is looked at in halves. */
function groupsOf(
  items: readonly Cidr[],
  avoid: readonly Cidr[],
  spread: bigint,
): readonly Group[] {
  const around = commonPrefix(items);
  if (mayTake(around, items, avoid, spread)) return [{ around, items }];
  return halves(around).flatMap((half) => {
    const inside = items.filter((item) => containsCidr(half, item));
    return inside.length === 0 ? [] : groupsOf(inside, avoid, spread);
  });
}

/** What is added to the items is not too much, and nobody's. */
function mayTake(
  around: Cidr,
  items: readonly Cidr[],
  avoid: readonly Cidr[],
  spread: bigint,
): boolean {
  const held = items.reduce((sum, item) => sum + cidrSize(item), 0n);
  if (cidrSize(around) === held) return true;
  if (cidrSize(around) > held * spread) return false;
  return avoid.every((other) => !cidrsOverlap(around, other) || isHeld(other, items));
}

/** The largest blocks of a network that hold nothing of what is there, and something that is not. */
function gaps(block: Cidr, there: readonly Cidr[], items: readonly Cidr[]): readonly Cidr[] {
  if (isHeld(block, there)) return [];
  if (there.some((cidr) => containsCidr(block, cidr))) {
    return halves(block).flatMap((half) => gaps(half, there, items));
  }
  return items.some((item) => containsCidr(block, item)) ? [block] : [];
}

/** Of a network with more than one address. */
function halves({ family, first, prefix }: Cidr): readonly Cidr[] {
  const half = 1n << BigInt(addressBits(family) - prefix - 1);
  return [first, first + half].map((at) => ({ family, first: at, prefix: prefix + 1 }));
}

/** Of networks in order, of one family. */
function commonPrefix(items: readonly Cidr[]): Cidr {
  const [first] = items;
  const last = items.at(-1);
  if (first === undefined || last === undefined) throw new RangeError("no networks: no prefix");
  const end = { family: last.family, value: last.first };
  let around = first;
  while (!containsCidr(around, last)) {
    around = cidrAround({ family: first.family, value: first.first }, around.prefix - 1);
  }
  return around.prefix > last.prefix ? cidrAround(end, last.prefix) : around;
}

/** Those that lie in no other one, each once, in order. */
function outermost(networks: readonly Cidr[]): readonly Cidr[] {
  const outer: Cidr[] = [];
  for (const network of inOrder(networks)) {
    const last = outer.at(-1);
    if (last === undefined || !containsCidr(last, network)) outer.push(network);
  }
  return outer;
}

/** Those that meet none before them. */
function apart(networks: readonly Cidr[]): readonly Cidr[] {
  return networks.filter(
    (network, at) => !networks.slice(0, at).some((other) => cidrsOverlap(other, network)),
  );
}

function isHeld(network: Cidr, holders: readonly Cidr[]): boolean {
  return holders.some((holder) => containsCidr(holder, network));
}

function inOrder(networks: readonly Cidr[]): readonly Cidr[] {
  return networks.toSorted((a, b) => {
    if (a.family !== b.family) return a.family === "IPv4" ? -1 : 1;
    if (a.first !== b.first) return a.first < b.first ? -1 : 1;
    return a.prefix - b.prefix;
  });
}
