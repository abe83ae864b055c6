import * as fc from "fast-check";
import { expect, test } from "vitest";
import { invariant } from "../../../../api/invariant.ts";
import { formatIpAddress } from "../../../../api/network/ip-address.ts";
import { seededRandom } from "../../../../runtime/random/seeded-random.ts";
import { ClusterIpAllocator } from "./cluster-ip-allocator.ts";
import { parseIp, parseIpRange } from "./ip-range.ts";

function allocator(cidr: string, seed = 1): ClusterIpAllocator {
  const range = parseIpRange(cidr);
  invariant(range.ok, "a good CIDR");
  return new ClusterIpAllocator(range.value, { random: seededRandom(seed) });
}

test("a range gives each of its hosts once and then is full", () => {
  const ips = allocator("10.0.0.0/29");
  const got = Array.from({ length: 6 }, () => ips.allocateNext()).map((r) =>
    r.ok ? r.value : r.error,
  );
  expect(got.toSorted()).toEqual([
    "10.0.0.1",
    "10.0.0.2",
    "10.0.0.3",
    "10.0.0.4",
    "10.0.0.5",
    "10.0.0.6",
  ]);
  expect(ips.allocateNext()).toEqual({ ok: false, error: "range is full" });
  ips.release("10.0.0.3");
  expect(ips.allocateNext()).toEqual({ ok: true, value: "10.0.0.3" });
});

test.each([
  ["10.101.0.0", "the provided IP is not in the valid range"],
  ["10.101.255.255", "the provided IP is not in the valid range"],
  ["10.102.0.1", "the provided network does not match the current range"],
  ["fd00::1", "the provided network does not match the current range"],
])("%s is refused: %s", (ip, error) => {
  expect(allocator("10.101.0.0/16").allocate(ip)).toEqual({ ok: false, error });
});

test("random addresses come from the upper band while it has some", () => {
  const ips = allocator("10.0.0.0/24");
  for (let i = 0; i < 238; i += 1) {
    const got = ips.allocateNext();
    expect(got.ok && Number(got.value.split(".")[3]) > 16, JSON.stringify(got)).toBe(true);
  }
  const lower = ips.allocateNext();
  expect(lower.ok && Number(lower.value.split(".")[3]) <= 16).toBe(true);
});

test("an address never goes to two owners, and its text is canonical", () => {
  fc.assert(
    fc.property(fc.integer(), fc.constantFrom("10.0.0.0/26", "fd00::/122"), (seed, cidr) => {
      const ips = allocator(cidr, seed);
      const got = Array.from({ length: 60 }, () => ips.allocateNext()).flatMap((r) =>
        r.ok ? [r.value] : [],
      );
      expect(new Set(got).size).toBe(60);
      for (const ip of got) {
        const parsed = parseIp(ip);
        expect(parsed && formatIpAddress(parsed)).toBe(ip);
      }
    }),
    { numRuns: 30 },
  );
});

test.each([
  ["FD00:0:0::0001", "fd00::1"],
  ["::ffff:10.0.0.1", "::ffff:a00:1"],
  ["1:0:0:2:0:0:0:3", "1:0:0:2::3"],
])("%s is written %s", (text, canonical) => {
  const ip = parseIp(text);
  expect(ip && formatIpAddress(ip)).toBe(canonical);
});

test.each(["10.0.0", "010.0.0.1", "fe80::1%eth0", "", "10.0.0.0/8"])("%j is no address", (text) => {
  expect(parseIp(text)).toBeUndefined();
});
