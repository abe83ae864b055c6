import type { Node } from "../../api/kube/node.ts";
import { type Cidr, formatCidr, parseCidr } from "../../api/network/cidr.ts";
import { MEMBER_CIDRS_MAX, meetsNever } from "../../api/network/member-cidr.ts";
import { aggregateNetworks } from "./aggregate-networks.ts";

export interface PodNetworksInput {
  /** By the admin; empty: as the Nodes say. */
  readonly given: readonly string[];
  readonly nodes: readonly Node[];
  /** What was said before, in order of preference. */
  readonly known: readonly string[];
  /** What is somebody else's. */
  readonly avoid: readonly string[];
}

export interface PodNetworks {
  readonly networks: readonly string[];
  /** What cannot be said, and why. */
  readonly problems: readonly string[];
}

/** So many networks of Nodes are said one by one. */
export const FEW_NODES = 16;
const SHOWN = 5;

/**
 * The pod networks that peers are told of, in their one form: never more than the protocol takes, never one that nobody can
 * have, so that a mistake here costs paths and nothing else.
 */
export function podNetworks({ given, nodes, known, avoid }: PodNetworksInput): PodNetworks {
  const isGiven = given.length > 0;
  const texts = isGiven ? given : nodes.flatMap(networksOf);
  const source = isGiven ? "--cidrs" : "podCIDRs of Nodes";
  const parsed = usable(texts);
  // What the admin names does not depend on what was said before, nor on what others say.
  const { networks, left } = aggregateNetworks(
    isGiven
      ? { wanted: parsed.networks, known: [], avoid: [], few: MEMBER_CIDRS_MAX }
      : {
          wanted: parsed.networks,
          known: usable(known).networks,
          avoid: usable(avoid).networks,
          few: FEW_NODES,
        },
  );
  const problems = parsed.refused.map((text) => `pod network not used, ${source}: ${text}`);
  if (left.length > 0) {
    problems.push(
      `pod networks must come to at most ${MEMBER_CIDRS_MAX}, ${source}: ${left.length} more are not reached through gateways (${left.slice(0, SHOWN).map(formatCidr).join(", ")}); name larger ones with --cidrs`,
    );
  }
  return { networks: networks.map(formatCidr), problems };
}

function networksOf({ spec }: Node): readonly string[] {
  return spec?.podCIDRs ?? (spec?.podCIDR === undefined ? [] : [spec.podCIDR]);
}

function usable(texts: readonly string[]): {
  readonly networks: readonly Cidr[];
  readonly refused: readonly string[];
} {
  const networks: Cidr[] = [];
  const refused: string[] = [];
  for (const text of new Set(texts)) {
    const cidr = parseCidr(text);
    const never = cidr.ok ? meetsNever(cidr.value) : undefined;
    if (!cidr.ok) refused.push(cidr.error);
    else if (never !== undefined) refused.push(`must not meet ${formatCidr(never)}: got ${text}`);
    else networks.push(cidr.value);
  }
  const more = refused.length - SHOWN;
  return {
    networks,
    refused: more <= 0 ? refused : [...refused.slice(0, SHOWN), `and ${more} more`],
  };
}
