import * as fc from "fast-check";
import { expect, test } from "vitest";
import { cidrAround, formatCidr } from "../../api/network/cidr.ts";
import { testCluster } from "../../broker/wire/row-arbitrary.ts";
import { findOverlaps } from "./find-overlaps.ts";

function overlaps(own: readonly string[], peers: Readonly<Record<string, readonly string[]>>) {
  const entries = Object.entries(peers).map(
    ([name, podCidrs]) => [testCluster(name), { podCidrs }] as const,
  );
  return findOverlaps(own, new Map(entries)).map(
    ({ peer, here, there }) => `${here} ${peer} ${there}`,
  );
}

test.each([
  { name: "none", own: ["10.1.0.0/16"], peers: { b: ["10.2.0.0/16"] }, want: [] },
  { name: "neighbours", own: ["10.1.0.0/24"], peers: { b: ["10.1.1.0/24"] }, want: [] },
  {
    name: "the same",
    own: ["10.1.0.0/16"],
    peers: { b: ["10.1.0.0/16"] },
    want: ["10.1.0.0/16 b 10.1.0.0/16"],
  },
  {
    name: "a part of ours",
    own: ["10.0.0.0/8"],
    peers: { b: ["10.1.0.0/16"] },
    want: ["10.0.0.0/8 b 10.1.0.0/16"],
  },
  {
    name: "ours is a part",
    own: ["10.1.0.0/16"],
    peers: { b: ["10.0.0.0/8"] },
    want: ["10.1.0.0/16 b 10.0.0.0/8"],
  },
  {
    name: "IPv6",
    own: ["fd00::/48"],
    peers: { b: ["fd00:0:0:1::/64"] },
    want: ["fd00::/48 b fd00:0:0:1::/64"],
  },
  { name: "families do not meet", own: ["0.0.0.0/0"], peers: { b: ["::/0"] }, want: [] },
  {
    name: "several peers, in the order of their names",
    own: ["10.1.0.0/16"],
    peers: { c: ["10.1.0.0/24"], b: ["10.1.1.0/24", "10.1.2.0/24"] },
    want: ["10.1.0.0/16 b 10.1.1.0/24", "10.1.0.0/16 b 10.1.2.0/24", "10.1.0.0/16 c 10.1.0.0/24"],
  },
  {
    name: "what cannot be read meets nothing",
    own: ["x", "10.1.0.0/16"],
    peers: { b: ["y", "10.1.0.0/16"] },
    want: ["10.1.0.0/16 b 10.1.0.0/16"],
  },
])("$name", ({ own, peers, want }) => {
  expect(overlaps(own, peers as Readonly<Record<string, readonly string[]>>)).toEqual(want);
});

test("both clusters see the same overlaps", () => {
  const anyCidr = fc
    .tuple(fc.nat(7), fc.integer({ min: 8, max: 24 }))
    .map(([at, prefix]) =>
      formatCidr(cidrAround({ family: "IPv4", value: (10n << 24n) + BigInt(at << 14) }, prefix)),
    );
  const list = fc.uniqueArray(anyCidr, { maxLength: 6 });
  fc.assert(
    fc.property(list, list, (here, there) => {
      const [a, b] = [testCluster("a"), testCluster("b")];
      const seenHere = findOverlaps(here, new Map([[b, { podCidrs: there }]]));
      const seenThere = findOverlaps(there, new Map([[a, { podCidrs: here }]]));
      const pair = (one: string, other: string) => `${one} ${other}`;
      expect(seenHere.map((o) => pair(o.here, o.there)).toSorted()).toEqual(
        seenThere.map((o) => pair(o.there, o.here)).toSorted(),
      );
    }),
  );
});
