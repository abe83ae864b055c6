import { type ClusterId, parseClusterId } from "../../api/cluster-id.ts";
import { invariant } from "../../api/invariant.ts";
import type { IpFamily } from "../../api/kube/service.ts";
import {
  type Cidr,
  cidrSize,
  cidrsOverlap,
  formatCidr,
  parseCidr,
} from "../../api/network/cidr.ts";
import { addressBits } from "../../api/network/ip-address.ts";
import { err, ok, type Result } from "../../api/result.ts";
import { findRoom } from "./find-room.ts";
import type { GlobalBlock, GlobalNeed } from "./global-block.ts";

/** Global addresses of one network of one cluster. No two entries of a book share an address. */
export interface BookEntry {
  readonly cluster: ClusterId;
  /** The pod network that is translated, or `nodes/IPv4`, `nodes/IPv6`. */
  readonly use: string;
  readonly global: Cidr;
  /** Chosen by the member's admin, not out of a pool. */
  readonly isFixed: boolean;
  /** Since when its cluster needs it no more or is no member, wall time; undefined: in use. */
  readonly unusedSinceMs: number | undefined;
}

/** All that was ever given and not taken back, in the order in which it was given. */
export type BlockBook = readonly BookEntry[];

export interface BookRules {
  readonly pools: readonly Cidr[];
  /** A cluster whose last life is over. */
  readonly hasLeft: (cluster: ClusterId) => boolean;
  readonly nowMs: number;
}

/**
 * Others may go on sending to addresses whose owner left until their last slices and connections are gone: nobody else is
 * given them for a day, and even then only when there is no other room, so that who comes back finds its own.
 */
export const QUARANTINE_MS = 24 * 60 * 60 * 1000;

/**
 * Pools of a hub whose admin names none: addresses that no network routes (RFC 1112 section 4), and a part of the
 * locally assigned ones (RFC 4193 section 3.1).
 */
export const DEFAULT_GLOBAL_CIDRS = ["242.0.0.0/8", "fd69:7374:6800::/40"] as const;

/** So many fit into the record that holds the book. */
const ENTRIES_MAX = 2000;
/** Of one cluster, those in quarantine included: networks that change all the time must not use up the pools. */
const ENTRIES_PER_CLUSTER_MAX = 132;
/** A pod network may take a quarter of a pool at most. */
const POOL_SHARE_BITS = 2;
const NODE_PREFIX: Readonly<Record<IpFamily, number>> = { IPv4: 24, IPv6: 120 };

interface Wanted {
  readonly use: string;
  readonly family: IpFamily;
  readonly prefix: number;
  readonly fixed: Cidr | undefined;
  /** The pod network; undefined: addresses of nodes. */
  readonly cidr: Cidr | undefined;
}

/**
 * What a member gets for its need, and the book with it. What it has stays as it is; what it lacks is given out of the
 * pools, aligned, lowest first; what it needs no more begins its quarantine. Pure: racing brokers each apply it to what
 * they read and write by compare-and-swap.
 */
export function allocateBlock(
  book: BlockBook,
  asking: { readonly cluster: ClusterId; readonly need: GlobalNeed },
  rules: BookRules,
): { readonly book: BlockBook; readonly block: GlobalBlock } {
  const { cluster, need } = asking;
  const wanted = wantedOf(need);
  const uses = new Set(wanted.map(useAndFixed));
  let entries: BlockBook = book.map((entry) => {
    const isOver =
      entry.cluster === cluster
        ? !uses.has(useAndFixedOf(entry, wanted))
        : rules.hasLeft(entry.cluster);
    return noteUse(entry, isOver, rules.nowMs, entry.cluster === cluster);
  });
  const problems: string[] = [];
  const given: (BookEntry & { readonly cidr: Cidr | undefined })[] = [];
  for (const want of wanted) {
    const held = entries.find(
      (entry) =>
        entry.cluster === cluster && entry.use === want.use && entry.unusedSinceMs === undefined,
    );
    const found =
      held === undefined ? give(entries, cluster, want, rules) : ok({ entry: held, entries });
    if (!found.ok) {
      problems.push(found.error);
      continue;
    }
    entries = found.value.entries;
    given.push({ ...found.value.entry, cidr: want.cidr });
  }
  const prefixes = given.flatMap(({ cidr, global }) =>
    cidr === undefined ? [] : { cidr: formatCidr(cidr), global: formatCidr(global) },
  );
  const nodePrefixes = given.flatMap(({ cidr, global }) =>
    cidr === undefined ? formatCidr(global) : [],
  );
  return { book: entries, block: { prefixes, nodePrefixes, problem: problems.join("; ") } };
}

function wantedOf({ podCidrs, fixed }: GlobalNeed): readonly Wanted[] {
  const pods = podCidrs.map((text): Wanted => {
    const cidr = own(text);
    const chosen = fixed.find((prefix) => prefix.cidr === text)?.global;
    const { family, prefix } = cidr;
    return {
      use: text,
      family,
      prefix,
      cidr,
      fixed: chosen === undefined ? undefined : own(chosen),
    };
  });
  const families = new Set(pods.map(({ family }) => family));
  const nodes = [...families].map((family): Wanted => {
    const prefix = NODE_PREFIX[family];
    return { use: `nodes/${family}`, family, prefix, cidr: undefined, fixed: undefined };
  });
  return [...pods, ...nodes];
}

function useAndFixed({ use, fixed }: Wanted): string {
  return fixed === undefined ? use : `${use} ${formatCidr(fixed)}`;
}

/** An entry that was fixed otherwise than it is wanted now is another one. */
function useAndFixedOf(entry: BookEntry, wanted: readonly Wanted[]): string {
  const want = wanted.find(({ use }) => use === entry.use);
  const isChoice = want?.fixed !== undefined || entry.isFixed;
  return isChoice ? `${entry.use} ${formatCidr(entry.global)}` : entry.use;
}

function noteUse(entry: BookEntry, isOver: boolean, nowMs: number, isAsking: boolean): BookEntry {
  if (isOver) return { ...entry, unusedSinceMs: entry.unusedSinceMs ?? nowMs };
  // Of others only who asks itself says that it needs what was not needed any more.
  return isAsking ? { ...entry, unusedSinceMs: undefined } : entry;
}

type Given = { readonly entry: BookEntry; readonly entries: BlockBook };

function give(
  entries: BlockBook,
  cluster: ClusterId,
  want: Wanted,
  rules: BookRules,
): Result<Given, string> {
  const own = entries.filter((entry) => entry.cluster === cluster).length;
  if (own >= ENTRIES_PER_CLUSTER_MAX) {
    return err(
      `global addresses of one cluster must be for at most ${ENTRIES_PER_CLUSTER_MAX} networks, those of the last day included: ${want.use} would be one more`,
    );
  }
  const add = (kept: BlockBook, global: Cidr): Given => {
    const isFixed = want.fixed !== undefined;
    const entry = { cluster, use: want.use, global, isFixed, unusedSinceMs: undefined };
    return { entry, entries: [...kept, entry] };
  };
  if (want.fixed !== undefined) return giveFixed(entries, want.fixed, cluster, add);
  const pools = rules.pools.filter(({ family }) => family === want.family);
  const problem = checkSize(want, pools);
  if (problem !== undefined) return err(problem);
  let kept = entries;
  for (;;) {
    const room = kept.length < ENTRIES_MAX ? findRoom(pools, want.prefix, kept) : undefined;
    if (room !== undefined) return ok(add(kept, room));
    const oldest = oldestUnused(kept, rules.nowMs);
    if (oldest === undefined) break;
    kept = kept.filter((entry) => entry !== oldest);
  }
  const names = pools.map(formatCidr).join(", ");
  return err(
    `no room for a prefix of /${want.prefix} for ${want.use} in the global pools (${names}): the hub needs another --global-cidr`,
  );
}

function giveFixed(
  entries: BlockBook,
  fixed: Cidr,
  cluster: ClusterId,
  add: (kept: BlockBook, global: Cidr) => Given,
): Result<Given, string> {
  const taken = entries.find(({ global }) => cidrsOverlap(global, fixed));
  if (taken === undefined && entries.length < ENTRIES_MAX) return ok(add(entries, fixed));
  // Its own for another network before, and the whole of it: a part would leave the rest without its quarantine.
  const isReused =
    taken?.cluster === cluster &&
    taken.unusedSinceMs !== undefined &&
    formatCidr(taken.global) === formatCidr(fixed);
  if (isReused)
    return ok(
      add(
        entries.filter((entry) => entry !== taken),
        fixed,
      ),
    );
  return err(
    taken === undefined
      ? `no room for ${formatCidr(fixed)}: the hub has given ${ENTRIES_MAX} prefixes`
      : `global prefix must be free: ${formatCidr(fixed)} meets ${formatCidr(taken.global)} of cluster ${taken.cluster}`,
  );
}

function checkSize(want: Wanted, pools: readonly Cidr[]): string | undefined {
  const { cidr, prefix, use } = want;
  if (pools.length === 0)
    return `no global pool of ${want.family} for ${use}: the hub needs another --global-cidr`;
  const largest = Math.min(...pools.map((pool) => pool.prefix));
  if (cidr !== undefined && prefix < largest + POOL_SHARE_BITS) {
    return `pod network must be at most a quarter of the global pools, /${largest + POOL_SHARE_BITS} or longer: got ${use}`;
  }
  const met = cidr === undefined ? undefined : pools.find((pool) => cidrsOverlap(pool, cidr));
  return met && `pod network must not meet the global pool ${formatCidr(met)}: got ${use}`;
}

function oldestUnused(entries: BlockBook, nowMs: number): BookEntry | undefined {
  let oldest: BookEntry | undefined;
  for (const entry of entries) {
    const since = entry.unusedSinceMs;
    if (since === undefined || nowMs - since < QUARANTINE_MS) continue;
    if (oldest?.unusedSinceMs === undefined || since < oldest.unusedSinceMs) oldest = entry;
  }
  return oldest;
}

/** Its syntax was checked when it came. */
function own(text: string): Cidr {
  const parsed = parseCidr(text);
  invariant(parsed.ok, "a need holds networks that can be read", { text });
  return parsed.value;
}

/** What a cluster has in use, for an admin. */
export function blockOf(
  book: BlockBook,
  cluster: ClusterId,
): readonly { readonly use: string; readonly global: string }[] {
  return book
    .filter((entry) => entry.cluster === cluster && entry.unusedSinceMs === undefined)
    .map(({ use, global }) => ({ use, global: formatCidr(global) }));
}

/** Pools that an admin names: of one family each, apart from each other. Error: rule and value. */
export function parsePools(texts: readonly string[]): Result<readonly Cidr[], string> {
  const pools: Cidr[] = [];
  for (const text of texts) {
    const parsed = parseCidr(text);
    if (!parsed.ok) return parsed;
    const met = pools.find((pool) => cidrsOverlap(pool, parsed.value));
    if (met !== undefined)
      return err(`global pools must not overlap: ${formatCidr(met)} and ${text} do`);
    if (
      cidrSize(parsed.value) <
      1n << BigInt(addressBits(parsed.value.family) - NODE_PREFIX[parsed.value.family])
    ) {
      return err(
        `global pool must hold a node prefix (/${NODE_PREFIX[parsed.value.family]}): got ${text}`,
      );
    }
    pools.push(parsed.value);
  }
  return ok(pools);
}

/** Out of the text of a record. */
export function entryOf(
  line: readonly [string, string, string, number, number],
): Result<BookEntry, string> {
  const [clusterText, use, globalText, fixed, since] = line;
  const cluster = parseClusterId(clusterText);
  if (!cluster.ok) return cluster;
  const global = parseCidr(globalText);
  if (!global.ok) return global;
  return ok({
    cluster: cluster.value,
    use,
    global: global.value,
    isFixed: fixed === 1,
    unusedSinceMs: since === 0 ? undefined : since,
  });
}
