import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  type Cidr,
  cidrAround,
  cidrSize,
  cidrsOverlap,
  containsAddress,
  containsCidr,
  formatCidr,
  parseCidr,
} from "../../api/network/cidr.ts";
import { MEMBER_CIDRS_MAX } from "../../api/network/member-cidr.ts";
import { type AggregationInput, aggregateNetworks, SPREAD } from "./aggregate-networks.ts";

function cidrs(...texts: readonly string[]): readonly Cidr[] {
  return texts.map((text) => {
    const parsed = parseCidr(text);
    if (!parsed.ok) throw new Error(parsed.error);
    return parsed.value;
  });
}

function aggregate(input: Partial<AggregationInput>): readonly string[] {
  const nothing = { wanted: [], known: [], avoid: [], few: 2 };
  const { networks, left } = aggregateNetworks({ ...nothing, ...input });
  expect(left).toEqual([]);
  return networks.map(formatCidr);
}

/** The pod networks of this many nodes, as Kubernetes gives them out. */
function nodes(count: number, from = 0): readonly Cidr[] {
  return Array.from({ length: count }, (_, at) => ({
    family: "IPv4" as const,
    first: (10n << 24n) + (244n << 16n) + (BigInt(from + at) << 8n),
    prefix: 24,
  }));
}

describe("few networks for many", () => {
  test.each([
    {
      name: "few stay as they are",
      wanted: ["10.1.0.0/24", "10.1.1.0/24"],
      want: ["10.1.0.0/24", "10.1.1.0/24"],
    },
    {
      name: "what lies in another is not said",
      wanted: ["10.1.0.0/24", "10.0.0.0/8", "10.1.0.0/24"],
      want: ["10.0.0.0/8"],
    },
    {
      name: "neighbours become one",
      wanted: ["10.1.0.0/24", "10.1.1.0/24", "10.1.2.0/23"],
      want: ["10.1.0.0/22"],
    },
    {
      name: "a common prefix is taken",
      wanted: ["10.1.0.0/24", "10.1.9.0/24", "10.1.77.0/24"],
      want: ["10.1.0.0/17"],
    },
    {
      name: "not one too wide",
      wanted: ["10.4.0.0/24", "10.4.1.0/24", "10.200.0.0/24"],
      want: ["10.4.0.0/23", "10.200.0.0/24"],
    },
    {
      name: "not addresses of others",
      wanted: ["10.1.0.0/24", "10.1.1.0/24", "10.1.9.0/24"],
      avoid: ["10.1.4.0/24"],
      want: ["10.1.0.0/23", "10.1.9.0/24"],
    },
    {
      name: "what others have of it already is no reason",
      wanted: ["10.1.0.0/24", "10.1.1.0/24", "10.1.3.0/24"],
      avoid: ["10.1.1.0/25"],
      want: ["10.1.0.0/22"],
    },
    {
      name: "families do not mix",
      wanted: ["10.1.0.0/24", "10.1.1.0/24", "fd00::/64", "fd00:0:0:1::/64"],
      want: ["10.1.0.0/23", "fd00::/63"],
    },
    {
      name: "what was said stays, and its other half comes beside it",
      wanted: ["10.1.0.0/24", "10.1.1.0/24", "10.1.2.0/24"],
      known: ["10.1.0.0/24", "10.1.1.0/24"],
      want: ["10.1.0.0/24", "10.1.1.0/24", "10.1.2.0/23"],
    },
    {
      name: "what was said and is larger stays",
      wanted: ["10.1.0.0/24"],
      known: ["10.1.0.0/16"],
      want: ["10.1.0.0/16"],
    },
    {
      name: "what was said and holds nothing goes",
      wanted: ["10.1.0.0/24"],
      known: ["10.9.0.0/16"],
      want: ["10.1.0.0/24"],
    },
    {
      name: "the first of what was said holds",
      wanted: ["10.1.0.0/24"],
      known: ["10.1.0.0/17", "10.1.0.0/16"],
      want: ["10.1.0.0/17"],
    },
    { name: "nothing", wanted: [], known: ["10.9.0.0/16"], want: [] },
  ])("$name", ({ wanted, known = [], avoid = [], want }) => {
    const lists = { wanted: cidrs(...wanted), known: cidrs(...known), avoid: cidrs(...avoid) };
    expect(aggregate(lists)).toEqual(want);
  });

  test("a thousand nodes are one network, 300 that begin in the middle a few", () => {
    expect(aggregate({ wanted: nodes(1024), few: 16 })).toEqual(["10.244.0.0/14"]);
    expect(aggregate({ wanted: nodes(300, 200), few: 16 })).toEqual(["10.244.0.0/15"]);
  });

  test("a cluster that grows node by node says few networks, and takes none back", () => {
    let known: readonly Cidr[] = [];
    for (let count = 1; count <= 700; count++) {
      const { networks, left } = aggregateNetworks({
        wanted: nodes(count),
        known,
        avoid: [],
        few: 16,
      });
      expect(left).toEqual([]);
      for (const before of known) expect(networks).toContainEqual(before);
      known = networks;
    }
    expect(known.length).toBeLessThanOrEqual(16 + 10);
  });

  test("too many that have nothing in common: the first are said, the rest is told", () => {
    const wanted = Array.from({ length: 70 }, (_, at) => ({
      family: "IPv6" as const,
      first: (0xfdn << 120n) + (BigInt(at) << 96n),
      prefix: 64,
    }));
    const first = aggregateNetworks({ wanted, known: [], avoid: [], few: 16 });
    expect([first.networks.length, first.left.length]).toEqual([MEMBER_CIDRS_MAX, 6]);
    const again = aggregateNetworks({ wanted, known: first.networks, avoid: [], few: 16 });
    expect(again).toEqual(first);
  });
});

/** Few distinct addresses, so that networks meet, hold each other and lie side by side. */
const anyCidr: fc.Arbitrary<Cidr> = fc.oneof(
  fc
    .tuple(fc.nat(3), fc.nat(15), fc.integer({ min: 14, max: 26 }))
    .map(([b, c, prefix]) =>
      cidrAround({ family: "IPv4", value: (10n << 24n) + BigInt((b << 16) + (c << 8)) }, prefix),
    ),
  fc
    .tuple(fc.nat(40), fc.integer({ min: 58, max: 64 }))
    .map(([at, prefix]) =>
      cidrAround({ family: "IPv6", value: (0xfdn << 120n) + (BigInt(at) << 64n) }, prefix),
    ),
);

const anyInput = fc.record({
  wanted: fc.array(anyCidr, { maxLength: 90 }),
  known: fc.array(anyCidr, { maxLength: 10 }),
  avoid: fc.array(anyCidr, { maxLength: 10 }),
  few: fc.nat(16),
});

test("over any networks: all are held or told, apart from each other, at most so many, no wider than allowed, nothing added that is somebody else's", () => {
  fc.assert(
    fc.property(anyInput, (input) => {
      const { networks, left } = aggregateNetworks(input);
      expect(networks.length).toBeLessThanOrEqual(MEMBER_CIDRS_MAX);
      for (const wanted of input.wanted) {
        const isHeld = networks.some((network) => containsCidr(network, wanted));
        const isTold = left.some((one) => containsCidr(one, wanted));
        expect([formatCidr(wanted), isHeld !== isTold]).toEqual([formatCidr(wanted), true]);
      }
      if (networks.length < MEMBER_CIDRS_MAX) expect(left).toEqual([]);
      for (const [at, network] of networks.entries()) {
        expect(networks.slice(at + 1).some((other) => cidrsOverlap(network, other))).toBe(false);
        if (input.known.some((known) => formatCidr(known) === formatCidr(network))) continue;
        const inside = input.wanted.filter((wanted) => containsCidr(network, wanted));
        expect(inside.length).toBeGreaterThan(0);
        const isWanted = inside.some((one) => formatCidr(one) === formatCidr(network));
        // An address of somebody else in it is one that something wanted or said before has too.
        for (const other of isWanted ? [] : input.avoid) {
          const first = other.first > network.first ? other.first : network.first;
          const address = { family: other.family, value: first };
          if (!cidrsOverlap(other, network)) continue;
          const holders = [...input.wanted, ...input.known];
          expect(holders.some((holder) => containsAddress(holder, address))).toBe(true);
        }
      }
    }),
    { numRuns: 300 },
  );
});

test("it does not depend on the order of what is wanted, and said again it is the same (I9)", () => {
  fc.assert(
    fc.property(anyInput, (input) => {
      const once = aggregateNetworks(input);
      expect(aggregateNetworks({ ...input, wanted: input.wanted.toReversed() })).toEqual(once);
      expect(aggregateNetworks({ ...input, known: once.networks })).toEqual(once);
    }),
    { numRuns: 300 },
  );
});

test("alone, a network is at most so many times larger than what it holds", () => {
  fc.assert(
    fc.property(anyInput, (input) => {
      for (const network of aggregateNetworks({ ...input, known: [] }).networks) {
        const inside = input.wanted.filter((wanted) => containsCidr(network, wanted));
        const held = inside.reduce((sum, one) => sum + cidrSize(one), 0n);
        expect(cidrSize(network) <= held * SPREAD).toBe(true);
      }
    }),
  );
});
