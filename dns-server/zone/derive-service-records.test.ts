import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { EndpointSlice } from "../../api/kube/endpoint-slice.ts";
import type { ServiceImport } from "../../api/mcs/service-import.ts";
import { serviceKey } from "../../api/service-key.ts";
import { anImport, aSlice, port } from "../testing/objects.ts";
import { type DerivedService, deriveServiceRecords } from "./derive-service-records.ts";
import { isSameRecords, shareRecords } from "./service-records.ts";

function derive(
  serviceImport: ServiceImport,
  slices: readonly EndpointSlice[] = [],
): DerivedService {
  const origin = "web.shop.svc.clusterset.local";
  return deriveServiceRecords({ key: serviceKey("shop", "web"), origin, serviceImport, slices });
}

function names(derived: DerivedService): readonly string[] {
  return [...(derived.records?.names.keys() ?? [])];
}

const headless = anImport({ isHeadless: true });

describe("what cannot be served is told, and costs nothing else", () => {
  test.each([
    {
      name: "an address that is none",
      ip: "10.0.0",
      problem: "cannot serve address: not an IP: got 10.0.0",
    },
    { name: "a zone index", ip: "fe80::1%eth0", problem: "not an IP" },
    { name: "a prefix", ip: "10.0.0.0/8", problem: "not an IP" },
  ])("$name", ({ ip, problem }) => {
    const derived = derive(anImport({ ips: [ip, "10.0.0.1"] }));
    expect(derived.records?.names.get("")?.a).toEqual(["10.0.0.1"]);
    expect(derived.problems).toEqual([expect.stringContaining(problem)]);
  });

  test.each([
    { name: "a dotted cluster id (DNS-46)", cluster: "east.example" },
    { name: "no cluster id", cluster: "" },
  ])("$name", ({ cluster }) => {
    const derived = derive(headless, [
      aSlice({ cluster, name: "bad", endpoints: ["10.0.0.1"] }),
      aSlice({ cluster: "west", endpoints: ["10.0.0.2"] }),
    ]);
    expect(derived.records?.names.get("")?.a).toEqual(["10.0.0.2"]);
    expect(derived.problems).toEqual([
      expect.stringContaining("cannot serve slice bad: cannot parse cluster id"),
    ]);
  });

  test("an endpoint of another family than its slice", () => {
    const slice = aSlice({ name: "mixed", endpoints: ["10.0.0.1", "10.0.0.2"] });
    const derived = derive(headless, [{ ...slice, addressType: "IPv6" }]);
    expect(derived.records.names.size).toBe(0);
    expect(derived.problems[0]).toBe(
      'cannot serve endpoint of slice mixed: must be an IPv6 address: got "10.0.0.1"',
    );
  });

  test("DNS-45: a name longer than 253 characters; its address stays in the service's answer", () => {
    const long = "h".repeat(63);
    const derived = deriveServiceRecords({
      key: serviceKey("shop", "web"),
      origin: `${"s".repeat(63)}.${"n".repeat(63)}.svc.clusterset.local`,
      serviceImport: headless,
      slices: [
        aSlice({
          cluster: "c".repeat(63),
          endpoints: [`10.0.0.1=${long}`],
          ports: [{ name: "a", port: 1 }],
        }),
      ],
    });
    expect(names(derived)).toEqual([""]);
    expect(derived.records?.names.get("")).toEqual({ a: ["10.0.0.1"] });
    expect(derived.problems).toEqual([
      expect.stringContaining("must be at most 253 characters: got 276"),
    ]);
  });

  test("a port name that is no label", () => {
    const derived = derive(
      anImport({
        ips: ["10.0.0.1"],
        ports: [port("a.b", 1), port("p".repeat(63), 2), port("ok", 3)],
      }),
    );
    expect(names(derived)).toEqual(["", "_ok._tcp", "_tcp"]);
    expect(derived.problems).toHaveLength(2);
  });
});

describe("HDL-03: own names of endpoints", () => {
  test.each([
    { endpoint: "10.1.2.3=db-0", want: "db-0.east" },
    { endpoint: "10.1.2.3", want: "10-1-2-3.east" },
    { endpoint: "10.1.2.3=DB-0", want: "db-0.east" },
    { endpoint: "10.1.2.3=not.a.label", want: "10-1-2-3.east" },
    { endpoint: "fd00::1", want: "fd00--1.east" },
    { endpoint: "FD00:0:0::1", want: "fd00--1.east" },
    { endpoint: "fd00:1:2::", want: "fd00-1-2--0.east" },
    { endpoint: "::1:2", want: "0--1-2.east" },
    { endpoint: "::", want: "0--0.east" },
  ])("$endpoint is $want", ({ endpoint, want }) => {
    expect(names(derive(headless, [aSlice({ endpoints: [endpoint] })]))).toContain(want);
  });

  test("HDL-10: endpoints that share a hostname share the name", () => {
    const { records } = derive(headless, [aSlice({ endpoints: ["10.0.0.1=h", "10.0.0.2=h"] })]);
    expect(records?.names.get("h.east")).toEqual({ a: ["10.0.0.1", "10.0.0.2"] });
  });
});

describe("objects that a lenient writer may leave behind", () => {
  test.each([
    { name: "no spec", spec: undefined },
    { name: "null lists", spec: { type: "ClusterSetIP", ports: null, ips: null } },
  ])("an import with $name exists without records", ({ spec }) => {
    const loose: unknown = { ...anImport(), spec };
    expect(derive(loose as ServiceImport).records?.names.get("")).toEqual({});
  });

  test("a slice with null endpoints and ports", () => {
    const slice = { ...aSlice({ endpoints: [] }), endpoints: null, ports: null };
    expect(derive(headless, [slice])).toEqual({
      records: { key: "shop/web", names: new Map() },
      problems: [],
      hasSpilled: false,
    });
  });

  test("EPS-17: absent conditions mean ready", () => {
    const slice = { ...aSlice({ endpoints: [] }), endpoints: [{ addresses: ["10.0.0.1"] }] };
    expect(derive(headless, [slice]).records?.names.get("")?.a).toEqual(["10.0.0.1"]);
  });

  test("an endpoint without addresses", () => {
    const slice = { ...aSlice({ endpoints: [] }), endpoints: [{ addresses: [] }] };
    expect(derive(headless, [slice]).problems).toHaveLength(1);
  });
});

test("HDL-10, DNS-26: equal addresses in any spelling are one record", () => {
  const { records } = derive(anImport({ ips: ["fd00::1", "FD00:0::1", "10.0.0.1", "10.0.0.1"] }));
  expect(records?.names.get("")).toEqual({ a: ["10.0.0.1"], aaaa: ["fd00::1"] });
});

const slices = fc.uniqueArray(
  fc.record({
    name: fc.constantFrom("s1", "s2", "s3", "s4"),
    cluster: fc.constantFrom("east", "west"),
    endpoints: fc.array(
      fc
        .tuple(fc.constantFrom("", "!"), fc.ipV4(), fc.constantFrom("", "=a", "=b"))
        .map((parts) => parts.join("")),
      { maxLength: 4 },
    ),
    ports: fc.constantFrom(
      [],
      [{ name: "http", port: 80 }],
      [{ name: "dns", port: 53, protocol: "UDP" as const }],
    ),
  }),
  { selector: ({ name }) => name, maxLength: 4 },
);

test("the order in which slices arrive does not matter", () => {
  fc.assert(
    fc.property(slices, fc.nat(), (drafts, seed) => {
      const given = drafts.map(aSlice);
      const shuffled = given.toSorted((left, right) =>
        (left.metadata.name.charCodeAt(1) * 31 + seed) % 7 <
        (right.metadata.name.charCodeAt(1) * 31 + seed) % 7
          ? -1
          : 1,
      );
      expect(derive(headless, shuffled)).toEqual(derive(headless, given));
    }),
  );
});

test("isSameRecords is equality of records", () => {
  fc.assert(
    fc.property(slices, slices, (left, right) => {
      const one = derive(headless, left.map(aSlice)).records;
      const other = derive(headless, right.map(aSlice)).records;
      const again = derive(headless, left.map(aSlice)).records;
      if (one === undefined || other === undefined || again === undefined) return;
      expect(isSameRecords(one, again)).toBe(true);
      const isEqual = JSON.stringify([...one.names]) === JSON.stringify([...other.names]);
      if (isEqual) expect(isSameRecords(one, other)).toBe(true);
      if (isSameRecords(one, other)) expect(other.names).toEqual(one.names);
    }),
  );
});

test("shareRecords changes nothing but whose memory it is", () => {
  fc.assert(
    fc.property(slices, slices, (left, right) => {
      const before = derive(headless, left.map(aSlice)).records;
      const after = derive(headless, right.map(aSlice)).records;
      const shared = shareRecords(before, after);
      expect(shared).toEqual(after);
      expect([...shared.names.keys()]).toEqual([...after.names.keys()]);
      for (const [name, node] of shareRecords(after, shared).names) {
        expect(node).toBe(after.names.get(name));
      }
    }),
  );
});

test("an endpoint moves: names and records of the others are those that were there", () => {
  const of = (address: string) =>
    derive(headless, [aSlice({ endpoints: [address, "10.0.0.2=b"], ports: [port("http", 80)] })])
      .records;
  const before = of("10.0.0.1=a");
  const { names } = shareRecords(before, of("10.0.0.9=a"));
  expect(names.get("a.east")).toEqual({ a: ["10.0.0.9"] });
  for (const name of ["b.east", "_http._tcp"]) {
    expect(names.get(name)).toBe(before.names.get(name));
  }
  const [own, known] = [names.get(""), before.names.get("")];
  expect(own?.a).toEqual(["10.0.0.9", "10.0.0.2"]);
  expect(own?.srv?.records[1]).toBe(known?.srv?.records[1]);
});
