import { describe, expect, test } from "vitest";
import { addressBytes } from "../../../api/network/address-bytes.ts";
import { seededRandom } from "../../../runtime/random/seeded-random.ts";
import { openHeader } from "../stream/session-pair.fixture.ts";
import { type StickyClient, stickyClient } from "./client-affinity.ts";
import { EndpointBalance } from "./endpoint-balance.ts";
import type { Candidate } from "./export-book.ts";
import { exportPolicy } from "./export-policy.ts";
import { encodeProxyHeader } from "./proxy-header.ts";

const candidate = (address: string, more: Partial<Candidate> = {}): Candidate => ({
  address,
  port: 80,
  isReady: true,
  isServing: true,
  hostname: "",
  key: `${address} 80`,
  ...more,
});
const [A, B, C] = [candidate("10.0.0.1"), candidate("10.0.0.2"), candidate("10.0.0.3")];
const stickyTo = (address: Uint8Array): StickyClient => ({
  address,
  key: address.join("."),
  timeoutMs: 10_000,
});
const balance = (): EndpointBalance => new EndpointBalance(seededRandom(7));

describe("which endpoint", () => {
  test("the one with the fewest connections", () => {
    const endpoints = balance();
    endpoints.started(A);
    endpoints.started(A);
    endpoints.started(B);
    expect(endpoints.order([A, B, C], 0)).toEqual([C, B, A]);
    endpoints.ended(A);
    endpoints.ended(A);
    endpoints.started(C);
    endpoints.started(C);
    expect(endpoints.order([A, B, C], 0)).toEqual([A, B, C]);
  });

  test("the first few are those of the whole order", () => {
    const many = Array.from({ length: 50 }, (_, n) => candidate(`10.0.1.${n}`));
    const sticky = stickyTo(Uint8Array.of(10, 0, 0, 7));
    const endpoints = balance();
    for (const each of many.slice(0, 45)) endpoints.started(each);
    expect(endpoints.order(many, 0, { sticky, limit: 3 })).toEqual(
      endpoints.order(many, 0, { sticky }).slice(0, 3),
    );
    const idle = new Set(many.slice(45));
    const first = endpoints.order(many, 0, { limit: 3 });
    expect(first).toHaveLength(3);
    expect(first.every((each) => idle.has(each))).toBe(true);
  });

  test("not one that is not ready, unless nothing else serves", () => {
    const going = candidate("10.0.0.9", { isReady: false });
    const dead = candidate("10.0.0.8", { isReady: false, isServing: false });
    expect(balance().order([going, A, dead], 0)).toEqual([A]);
    expect(balance().order([going, dead], 0)).toEqual([going]);
    expect(balance().order([dead], 0)).toEqual([]);
  });

  test("three failures in a row eject it for a while, longer each time; one success mends it", () => {
    const endpoints = balance();
    const failThrice = (nowMs: number): boolean[] =>
      [1, 2, 3].map(() => endpoints.failed(A, nowMs));
    expect(failThrice(0)).toEqual([false, false, true]);
    const last = (nowMs: number): Candidate | undefined => {
      endpoints.started(B);
      const order = endpoints.order([A, B], nowMs);
      endpoints.ended(B);
      return order.at(-1);
    };
    expect([last(0), last(4_999), last(5_000)]).toEqual([A, A, B]);
    failThrice(5_000);
    expect([last(14_999), last(15_000)]).toEqual([A, B]);
    failThrice(15_000);
    endpoints.succeeded(A, 15_000);
    expect(last(15_001)).toBe(B);
    // All ejected: a guess is better than nothing.
    failThrice(20_000);
    expect(endpoints.order([A], 20_000)).toEqual([A]);
  });

  test("with affinity the same client comes to the same one, and losing another changes nothing for it", () => {
    const endpoints = balance();
    const clients = Array.from({ length: 200 }, (_, n) => Uint8Array.of(10, 0, n >> 8, n));
    const choose = (all: readonly Candidate[]): (Candidate | undefined)[] =>
      clients.map((address) => endpoints.order(all, 0, { sticky: stickyTo(address) })[0]);
    const before = choose([A, B, C]);
    for (const each of [A, B, C]) {
      endpoints.started(each);
      expect(before.filter((chosen) => chosen === each).length).toBeGreaterThan(30);
    }
    expect(choose([C, A, B])).toEqual(before);
    const without = choose([A, B]);
    expect(without).toEqual(before.map((chosen, n) => (chosen === C ? without[n] : chosen)));
  });

  test("a client stays where it was, whoever joins, until its timeout has passed without a connection (IMP-21)", () => {
    const clients = Array.from({ length: 200 }, (_, n) => stickyTo(Uint8Array.of(10, 0, 0, n)));
    const endpoints = balance();
    const choose = (all: readonly Candidate[], nowMs: number): (Candidate | undefined)[] =>
      clients.map((client) => {
        const [chosen] = endpoints.order(all, nowMs, { sticky: client });
        if (chosen !== undefined) endpoints.succeeded(chosen, nowMs, client);
        return chosen;
      });
    const before = choose([A, B], 0);
    expect(choose([A, B, C], 10_000)).toEqual(before);
    expect(choose([A, B, C], 20_000)).toEqual(before);
    const after = choose([A, B, C], 30_001);
    expect(after.filter((chosen) => chosen === C).length).toBeGreaterThan(30);
    const moved = after.filter((chosen, n) => chosen !== before[n]);
    expect(new Set(moved)).toEqual(new Set([C]));
    // It goes, and so does what was remembered of it.
    expect(choose([A, B], 30_002)).toEqual(before);
  });

  test("so many are remembered: of endpoints those in use, of clients those who were here last", () => {
    const endpoints = new EndpointBalance(seededRandom(7), 2);
    for (let n = 0; n < 3; n++) endpoints.failed(A, 0);
    endpoints.started(B);
    expect(endpoints.order([A, C], 1).at(-1)).toBe(A);
    // One more than it remembers: A, which is ejected and not in use, makes room.
    endpoints.started(C);
    endpoints.started(C);
    expect(endpoints.order([A, B, C], 1)).toEqual([A, B, C]);
    const clients = [1, 2, 3].map((n) => stickyTo(Uint8Array.of(10, 0, 0, n)));
    const hashed = clients.map((client) => endpoints.order([A, B, C], 2, { sticky: client })[0]);
    const elsewhere = hashed.map((chosen) => (chosen === A ? B : A));
    for (const [n, client] of clients.entries()) {
      endpoints.succeeded(elsewhere[n] ?? A, 2, client);
    }
    const after = clients.map((client) => endpoints.order([A, B, C], 3, { sticky: client })[0]);
    expect(after).toEqual([hashed[0], elsewhere[1], elsewhere[2]]);
  });

  test("an endpoint that is ejected is not come back to", () => {
    const endpoints = balance();
    const client = stickyTo(Uint8Array.of(10, 0, 0, 1));
    endpoints.succeeded(B, 0, client);
    expect(endpoints.order([A, B, C], 1, { sticky: client })[0]).toBe(B);
    for (let n = 0; n < 3; n++) endpoints.failed(B, 1);
    expect(endpoints.order([A, B, C], 2, { sticky: client }).at(-1)).toBe(B);
  });
});

test.each([
  { facts: undefined, want: undefined },
  { facts: { sessionAffinity: "None" }, want: undefined },
  { facts: { sessionAffinity: "ClientIP" }, want: 10_800_000 },
  {
    facts: {
      sessionAffinity: "ClientIP",
      sessionAffinityConfig: { clientIP: { timeoutSeconds: 10 } },
    },
    want: 10_000,
  },
])("affinity of $facts lasts $want ms", ({ facts, want }) => {
  const header = openHeader();
  if (header.kind !== "service") throw new Error("a service");
  expect(stickyClient(header, facts)?.timeoutMs).toBe(want);
});

test.each([
  [{}, "any", "", true],
  [{ "isthmus.dev/allow-clients": "west" }, "west", "x", true],
  [{ "isthmus.dev/allow-clients": "west" }, "north", "x", false],
  [{ "isthmus.dev/allow-clients": "west/shop, */ops" }, "west", "shop", true],
  [{ "isthmus.dev/allow-clients": "west/shop, */ops" }, "west", "", false],
  [{ "isthmus.dev/allow-clients": "west/shop, */ops" }, "north", "ops", true],
  [{ "isthmus.dev/allow-clients": "*" }, "north", "", true],
  [{ "isthmus.dev/allow-clients": "" }, "west", "", false],
  [{ "isthmus.dev/allow-clients": "west/a/b" }, "west", "a", false],
  [{ "isthmus.dev/export-to": "west" }, "north", "", false],
  [{ "isthmus.dev/export-to": "west", "isthmus.dev/allow-clients": "*" }, "north", "", false],
])("%j admits %s, namespace %j: %s", (annotations, cluster, namespace, want) => {
  expect(exportPolicy(annotations).admits(cluster, namespace)).toBe(want);
});

describe("PROXY protocol, version 2", () => {
  const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString("hex");
  const facts = {
    protocol: "tcp" as const,
    client: { address: addressBytes("10.1.2.3"), port: 40_000 },
    endpoint: { address: addressBytes("10.9.8.7"), port: 5432 },
    cluster: "west",
    namespace: "",
  };

  test("IPv4: section 2.2, with the client's cluster as a TLV", () => {
    expect(hex(encodeProxyHeader(facts))).toBe(
      "0d0a0d0a000d0a515549540a 21 11 0013 0a010203 0a090807 9c40 1538 e0 0004 77657374".replaceAll(
        " ",
        "",
      ),
    );
  });

  test.each([
    ["tcp", "10.1.2.3", "10.9.8.7", "11", 12],
    ["udp", "10.1.2.3", "10.9.8.7", "12", 12],
    ["tcp", "2001:db8::5", "fd00::1", "21", 36],
    ["udp", "2001:db8::5", "fd00::1", "22", 36],
  ] as const)(
    "%s from %s to %s: family %s, %i bytes of addresses, then TLVs",
    (protocol, from, to, family, bytes) => {
      const header = encodeProxyHeader({
        ...{ protocol, cluster: "west", namespace: "" },
        client: { address: addressBytes(from), port: 40_000 },
        endpoint: { address: addressBytes(to), port: 5432 },
      });
      expect(hex(header.subarray(0, 14))).toBe(`0d0a0d0a000d0a515549540a21${family}`);
      expect(Buffer.from(header).readUInt16BE(14)).toBe(bytes + 7);
      const at = 16 + bytes - 4;
      const addresses = Buffer.concat([addressBytes(from), addressBytes(to)]);
      expect(hex(header.subarray(16, at))).toBe(hex(addresses));
      expect(hex(header.subarray(at))).toBe("9c401538e0000477657374");
    },
  );

  test("two families: IPv4 inside IPv6", () => {
    const endpoint = { address: addressBytes("fd00::1"), port: 1 };
    const header = encodeProxyHeader({ ...facts, endpoint, namespace: "shop" });
    expect(header[13]).toBe(0x21);
    expect(hex(header.subarray(16, 32))).toBe("00000000000000000000ffff0a010203");
    expect(hex(header)).toMatch(/e0000477657374e1000473686f70$/);
  });
});
