import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { aSlice } from "../testing/objects.ts";
import type { Balancing } from "./balancing.ts";
import { chooseEndpoints, type ReadyEndpoint } from "./choose-endpoints.ts";
import { parseIpAddress } from "./ip-address.ts";
import type { ClusterHealth } from "./local-preference.ts";

const slice = aSlice({ endpoints: [] });

/** "east 10.0.0.1" or "east 10.0.0.1=db-0". */
function ready(text: string): ReadyEndpoint {
  const [cluster = "", rest = ""] = text.split(" ");
  const [ip = "", hostname] = rest.split("=");
  const address = parseIpAddress(ip);
  if (address === undefined) throw new Error(text);
  const label = hostname ?? ip.replaceAll(/[.:]/g, "-");
  return { cluster, target: `${label}.${cluster}`, address, slice };
}

function healthOf(clusters: Readonly<Record<string, readonly [ready: number, total: number]>>) {
  return new Map<string, ClusterHealth>(
    Object.entries(clusters).map(([cluster, [ready, total]]) => [cluster, { ready, total }]),
  );
}

const addresses = (endpoints: readonly ReadyEndpoint[]): string[] =>
  endpoints.map(({ address }) => address.text);

const LOCAL: Balancing = { prefersLocal: true, localThreshold: 0.5 };
const ENDPOINTS = ["east 10.1.0.1", "east 10.1.0.2", "west 10.2.0.1"].map(ready);
const EAST_LOCAL = { balancing: { localCluster: "east" } };

describe("the local cluster is preferred", () => {
  test.each([
    { name: "all ready", east: [2, 2] as const, isLocal: true },
    { name: "just enough ready", east: [2, 4] as const, isLocal: true },
    { name: "too few ready: everybody shares the load", east: [2, 5] as const, isLocal: false },
  ])("$name", ({ east, isLocal }) => {
    const health = healthOf({ east, west: [1, 1] });
    const { endpoints } = chooseEndpoints(ENDPOINTS, health, LOCAL, EAST_LOCAL);
    expect(addresses(endpoints)).toEqual(
      isLocal ? ["10.1.0.1", "10.1.0.2"] : ["10.1.0.1", "10.1.0.2", "10.2.0.1"],
    );
  });

  test.each([
    { name: "no endpoint here", policy: { balancing: { localCluster: "north" } } },
    { name: "the local cluster is not known", policy: { balancing: {} } },
  ])("not with $name", ({ policy }) => {
    const health = healthOf({ east: [2, 2], west: [1, 1] });
    expect(chooseEndpoints(ENDPOINTS, health, LOCAL, policy).endpoints).toEqual(ENDPOINTS);
  });

  test("none ready here is none here, even with a threshold of 0", () => {
    const west = ENDPOINTS.slice(2);
    const health = healthOf({ east: [0, 2], west: [1, 1] });
    const balancing = { prefersLocal: true, localThreshold: 0 };
    expect(chooseEndpoints(west, health, balancing, EAST_LOCAL).endpoints).toEqual(west);
  });
});

describe("weights", () => {
  const weighted = (weights: Record<string, number>): Balancing => ({
    prefersLocal: false,
    localThreshold: 0.5,
    weights: new Map(Object.entries(weights)),
  });
  const health = healthOf({ east: [2, 2], west: [1, 1] });

  test("a cluster's part is split between its endpoints", () => {
    const { shares } = chooseEndpoints(ENDPOINTS, health, weighted({ east: 3 }));
    expect(shares).toEqual([1.5, 1.5, 1]);
  });

  test("weight 0 drains a cluster", () => {
    const { endpoints } = chooseEndpoints(ENDPOINTS, health, weighted({ east: 0 }));
    expect(addresses(endpoints)).toEqual(["10.2.0.1"]);
  });

  test("unless nobody else is left", () => {
    const { endpoints } = chooseEndpoints(ENDPOINTS, health, weighted({ east: 0, west: 0 }));
    expect(endpoints).toEqual(ENDPOINTS);
  });

  test("do not count inside of the preferred local cluster", () => {
    const balancing = { ...weighted({ east: 0, west: 9 }), prefersLocal: true };
    const chosen = chooseEndpoints(ENDPOINTS, health, balancing, EAST_LOCAL);
    expect(addresses(chosen.endpoints)).toEqual(["10.1.0.1", "10.1.0.2"]);
    expect(chosen.shares).toBeUndefined();
  });
});

describe("DNS-20: a subset", () => {
  const many = Array.from({ length: 100 }, (_, index) => [
    ready(`c${index % 3} 10.0.1.${index}=pod-${index}`),
    ready(`c${index % 3} fd00::${index + 1}=pod-${index}`),
  ]).flat();
  const choose = (endpoints: readonly ReadyEndpoint[], endpointsMax: number) =>
    chooseEndpoints(endpoints, new Map(), undefined, { endpointsMax }).endpoints;

  test("both families name the same endpoints", () => {
    const chosen = choose(many, 10);
    const targets = (family: string) =>
      chosen.filter(({ address }) => address.family === family).map(({ target }) => target);
    expect(targets("IPv4")).toHaveLength(10);
    expect(targets("IPv6")).toEqual(targets("IPv4"));
  });

  test("endpoints without a hostname are limited per family", () => {
    const plain = many.map((endpoint) => ({
      ...endpoint,
      target: `${endpoint.address.text.replaceAll(/[.:]/g, "-")}.${endpoint.cluster}`,
    }));
    const chosen = choose(plain, 10);
    expect(chosen.filter(({ address }) => address.family === "IPv4")).toHaveLength(10);
    expect(chosen.filter(({ address }) => address.family === "IPv6")).toHaveLength(10);
  });

  test("one endpoint less moves at most one other in", () => {
    fc.assert(
      fc.property(fc.nat(99), (gone) => {
        const before = new Set(choose(many, 10));
        const left = many.filter(({ target }) => !target.startsWith(`pod-${gone}.`));
        const news = choose(left, 10).filter((endpoint) => !before.has(endpoint));
        expect(news.length).toBeLessThanOrEqual(2);
      }),
    );
  });

  test("order of arrival does not matter", () => {
    const shuffled = fc.shuffledSubarray(many, { minLength: many.length });
    const want = addresses(choose(many, 10)).toSorted();
    fc.assert(
      fc.property(shuffled, (endpoints) => {
        expect(addresses(choose(endpoints, 10)).toSorted()).toEqual(want);
      }),
    );
  });

  test("weights draw more of the heavier cluster", () => {
    const balancing: Balancing = {
      prefersLocal: false,
      localThreshold: 0.5,
      weights: new Map([
        ["c0", 20],
        ["c1", 1],
        ["c2", 1],
      ]),
    };
    const v4 = many.filter(({ address }) => address.family === "IPv4");
    const chosen = chooseEndpoints(v4, new Map(), balancing, { endpointsMax: 20 }).endpoints;
    expect(chosen.filter(({ cluster }) => cluster === "c0").length).toBeGreaterThan(12);
  });
});
