import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { RowEndpoint } from "../../api/broker/row.ts";
import type { ClusterId } from "../../api/cluster-id.ts";
import { serviceKey } from "../../api/service-key.ts";
import type { ReachableSlice } from "../backend.ts";
import { ImportBook } from "./listen/import-book.ts";
import { DEFAULT_PORTS, type ListenerKey, PortTable } from "./listen/port-table.ts";
import { proxyBackend } from "./proxy-backend.ts";

const EAST = "east" as ClusterId;
const DB = serviceKey("shop", "db");
const SLICE: ReachableSlice = {
  addressType: "IPv4",
  ports: [
    { name: "sql", protocol: "TCP", port: 5432 },
    { name: "dns", protocol: "UDP", port: 53 },
  ],
  endpoints: [
    endpoint("10.1.0.1", { ready: false, serving: true, terminating: true }),
    endpoint("10.1.0.2", { ready: true, serving: true, terminating: false }),
  ],
};

function endpoint(address: string, state: Omit<RowEndpoint, "addresses">): RowEndpoint {
  return { addresses: [address], ...state };
}

const key = (port: string, more: Partial<ListenerKey> = {}): ListenerKey => ({
  peer: EAST,
  service: DB,
  port,
  protocol: "TCP",
  ...more,
});

describe("a peer's slice as local clients dial it", () => {
  test("the local proxies, at one port for each, as ready as the best endpoint", () => {
    const ports = new PortTable();
    const backend = proxyBackend({ localProxies: () => ["10.9.0.1", "10.9.0.2"], ports });
    const reached = backend.reach(EAST, DB, SLICE);
    expect(backend.reach(EAST, DB, SLICE)).toEqual(reached);
    expect(reached?.endpoints).toEqual([
      endpoint("10.9.0.1", { ready: true, serving: true, terminating: false }),
      endpoint("10.9.0.2", { ready: true, serving: true, terminating: false }),
    ]);
    expect(reached?.ports.map(({ name, protocol }) => [name, protocol])).toEqual([
      ["sql", "TCP"],
      ["dns", "UDP"],
    ]);
    for (const { port } of reached?.ports ?? []) {
      expect(port).toBeGreaterThanOrEqual(DEFAULT_PORTS.first);
      expect(port).toBeLessThanOrEqual(DEFAULT_PORTS.last);
    }
  });

  test("not at all without a proxy, an endpoint, or a port that is free", () => {
    const none = proxyBackend({ localProxies: () => [], ports: new PortTable() });
    expect(none.reach(EAST, DB, SLICE)).toBeUndefined();
    const some = { localProxies: () => ["10.9.0.1"] };
    const empty = proxyBackend({ ...some, ports: new PortTable() });
    expect(empty.reach(EAST, DB, { ...SLICE, endpoints: [] })).toBeUndefined();
    const full = new PortTable({ first: 20_000, last: 20_000 });
    full.portOf(key("other"));
    full.portOf(key("other", { protocol: "UDP" }));
    expect(proxyBackend({ ...some, ports: full }).reach(EAST, DB, SLICE)).toBeUndefined();
  });

  test("what controllers write is where proxies listen", () => {
    const backend = proxyBackend({ localProxies: () => ["10.9.0.1"], ports: new PortTable() });
    const reached = backend.reach(EAST, DB, SLICE);
    const slice = {
      apiVersion: "discovery.k8s.io/v1",
      kind: "EndpointSlice",
      metadata: {
        namespace: "shop",
        name: "db-east",
        labels: {
          "multicluster.kubernetes.io/service-name": "db",
          "multicluster.kubernetes.io/source-cluster": "east",
        },
      },
      addressType: "IPv4" as const,
      ports: reached?.ports ?? [],
      endpoints: (reached?.endpoints ?? []).map(({ addresses }) => ({ addresses })),
    };
    const listensAt = (cluster: string, own: string): unknown[] => {
      const book = new ImportBook(cluster as ClusterId, [own]);
      book.put(slice);
      return [...book.wanted()];
    };
    const [sql, dns] = (reached?.ports ?? []).map(({ port }) => port);
    const wanted = { peer: "east", namespace: "shop", name: "db" };
    expect(listensAt("west", "10.9.0.1")).toEqual([
      [`tcp ${sql}`, { ...wanted, port: "sql", protocol: "tcp" }],
      [`udp ${dns}`, { ...wanted, port: "dns", protocol: "udp" }],
    ]);
    // Not for addresses of others, and not for what the own cluster exports.
    expect(listensAt("west", "10.9.0.7")).toEqual([]);
    expect(listensAt("east", "10.9.0.1")).toEqual([]);
    const book = new ImportBook("west" as ClusterId, ["10.9.0.1"]);
    book.put(slice);
    book.remove(slice);
    expect([...book.wanted()]).toEqual([]);
  });
});

describe("ports", () => {
  const anyKey = fc.record({
    peer: fc.constantFrom("east" as ClusterId, "north" as ClusterId),
    service: fc.constantFrom(DB, serviceKey("shop", "web")),
    port: fc.constantFrom("", "a", "b"),
    protocol: fc.constantFrom("TCP" as const, "UDP" as const),
  });

  test("no port is given twice, and whoever starts from the slices agrees, in whatever order it sees them", () => {
    fc.assert(
      fc.property(fc.array(anyKey, { maxLength: 40 }), (keys) => {
        const range = { first: 20_000, last: 20_015 };
        const first = new PortTable(range);
        const given = keys.map((each) => first.portOf(each));
        const distinct = new Map(
          keys.map((each, at) => [JSON.stringify(each), given[at]] as const),
        );
        const slots = [...distinct].map(([text, port]) => `${JSON.parse(text).protocol} ${port}`);
        expect(new Set(slots).size).toBe(slots.length);
        const second = new PortTable(range);
        for (const [at, each] of [...keys.entries()].reverse()) {
          second.remember(each, given[at] ?? 0);
        }
        expect(keys.map((each) => second.portOf(each))).toEqual(given);
      }),
    );
  });

  test("what is imported no more gives its ports back, others keep theirs", () => {
    const table = new PortTable();
    const [sql, web] = [table.portOf(key("sql")), table.portOf(key("web"))];
    table.free(key("sql"));
    expect(table.size).toBe(1);
    expect(table.portOf(key("web"))).toBe(web);
    // The same port most likely: it starts from a hash.
    expect(table.portOf(key("sql"))).toBe(sql);
  });

  test("a slice that claims a port of another, or none of ours, is not believed", () => {
    const table = new PortTable();
    expect(table.remember(key("a"), 20_001)).toBe(true);
    expect(table.remember(key("b"), 20_001)).toBe(false);
    expect(table.remember(key("b"), 443)).toBe(false);
    expect(table.remember(key("b", { protocol: "UDP" }), 20_001)).toBe(true);
  });
});
