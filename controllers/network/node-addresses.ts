import { type Cidr, cidrSize, containsAddress, parseCidr } from "../../api/network/cidr.ts";
import { formatIpAddress, parseIpAddress } from "../../api/network/ip-address.ts";

/** Node name -> its global addresses, one of each node prefix. */
export type NodeAddresses = Readonly<Record<string, readonly string[]>>;

/** Packets to a node that is gone may still be under way, and peers still know its address. */
export const NODE_QUARANTINE_MS = 10 * 60_000;

export interface NodeAddressing {
  readonly addresses: NodeAddresses;
  /** Nodes that have an address and are gone, with the monotonic time at which this process saw that first. */
  readonly absentSinceMs: ReadonlyMap<string, number>;
  /** Nodes that there was no address for. */
  readonly left: readonly string[];
}

/**
 * One global address of each prefix for each node. Who has one keeps it; who is new gets the lowest free one, in the order
 * of names, never the first of a prefix. That of a node that is gone is kept beside the others until its quarantine has
 * passed: a new process begins it anew, since it cannot know when the node went.
 */
export function addressNodes(
  previous: Pick<NodeAddressing, "addresses" | "absentSinceMs">,
  nodes: readonly string[],
  prefixes: readonly string[],
  nowMs: number,
): NodeAddressing {
  const present = new Set(nodes);
  const absentSinceMs = new Map<string, number>();
  const kept = new Map<string, readonly string[]>();
  for (const [node, addresses] of Object.entries(previous.addresses)) {
    if (present.has(node)) kept.set(node, addresses);
    else {
      const sinceMs = previous.absentSinceMs.get(node) ?? nowMs;
      if (nowMs - sinceMs >= NODE_QUARANTINE_MS) continue;
      absentSinceMs.set(node, sinceMs);
      kept.set(node, addresses);
    }
  }
  const parsed = prefixes.flatMap((text) => {
    const cidr = parseCidr(text);
    return cidr.ok ? [cidr.value] : [];
  });
  const addresses = new Map<string, string[]>();
  const names = [...new Set([...kept.keys(), ...nodes])].toSorted();
  for (const prefix of parsed) {
    const free = freeAddresses(prefix, [...kept.values()].flat());
    for (const node of names) {
      const held = kept.get(node)?.find((address) => isIn(prefix, address));
      // Who is gone gets nothing new.
      const address = held ?? (present.has(node) ? free.next().value : undefined);
      if (address !== undefined) addresses.set(node, [...(addresses.get(node) ?? []), address]);
    }
  }
  const left = nodes.filter((node) => (addresses.get(node)?.length ?? 0) < parsed.length);
  return { addresses: Object.fromEntries(addresses), absentSinceMs, left: left.toSorted() };
}

function* freeAddresses(prefix: Cidr, taken: readonly string[]): Generator<string, undefined> {
  const isTaken = new Set(taken);
  for (let at = 1n; at < cidrSize(prefix) - 1n; at++) {
    const text = formatIpAddress({ family: prefix.family, value: prefix.first + at });
    if (!isTaken.has(text)) yield text;
  }
  return undefined;
}

function isIn(prefix: Cidr, text: string): boolean {
  const address = parseIpAddress(text);
  return address.ok && containsAddress(prefix, address.value);
}
