import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { clusterId, example, slice } from "./example.fixture.ts";
import {
  FilterContents,
  type FilterScope,
  type SetElement,
  sliceElements,
} from "./filter-contents.ts";
import { FILTER_SETS } from "./filter-table.ts";
import { prefixMaps } from "./networks.ts";

const east = example(1, "dual");
const west = example(2, "dual");
const scope: FilterScope = {
  own: east.cluster,
  maps: east.own.maps,
  peers: new Map([[west.cluster, west.peer.prefixes]]),
  peerMaps: new Map([[west.cluster, west.peer.maps]]),
};
const TCP_80 = [{ protocol: "TCP" as const, port: 80 }];

describe("what a slice lets pass", () => {
  test("own endpoints are asked under both their addresses", () => {
    expect(sliceElements(slice(east.cluster, ["10.0.1.5"], TCP_80), scope)).toEqual([
      { set: "exported_hosts4", element: "10.0.1.5" },
      { set: "exported4", element: "10.0.1.5 . tcp . 80" },
      { set: "exported_hosts4", element: "242.1.1.5" },
      { set: "exported4", element: "242.1.1.5 . tcp . 80" },
    ]);
  });

  test("a peer's endpoints are asked under its own global addresses", () => {
    const ports = [{ protocol: "UDP" as const, port: 53 }, { port: 8_080 }];
    expect(sliceElements(slice(west.cluster, ["fd42:2::5"], ports), scope)).toEqual([
      { set: "imported_hosts6", element: "fd42:2::5" },
      { set: "imported6", element: "fd42:2::5 . udp . 53" },
      { set: "imported6", element: "fd42:2::5 . tcp . 8080" },
    ]);
  });

  test("a peer's endpoint that is dialled as it is now passes under its global address too, before and after a switch (I8)", () => {
    const apart = { ...scope, maps: prefixMaps([{ cidr: "10.9.0.0/16", global: "242.1.0.0/16" }]) };
    expect(sliceElements(slice(west.cluster, ["10.0.1.5"], TCP_80), apart)).toEqual(
      sliceElements(slice(west.cluster, ["242.2.1.5"], TCP_80), apart),
    );
  });

  test.each([
    {
      what: "an own endpoint outside of the pods' networks",
      given: slice(east.cluster, ["192.0.2.1"], TCP_80),
    },
    {
      what: "a peer's endpoint with another peer's address",
      given: slice(west.cluster, ["242.3.0.5"], TCP_80),
    },
    {
      what: "a peer's endpoint as it is, where both clusters have its network",
      given: slice(west.cluster, ["10.0.1.5"], TCP_80),
    },
    { what: "a cluster that is no peer", given: slice(clusterId("c9"), ["242.2.1.5"], TCP_80) },
    { what: "endpoints without ports", given: slice(east.cluster, ["10.0.1.5"], []) },
    { what: "a port without a number", given: slice(east.cluster, ["10.0.1.5"], [{}]) },
    {
      what: "text that is no address",
      given: slice(east.cluster, ["10.0.1.5 . tcp . 1, 10.0.1.6"], TCP_80),
    },
  ])("$what lets nothing pass", ({ given }) => {
    expect(sliceElements(given, scope)).toEqual([]);
  });
});

const anyElement: fc.Arbitrary<SetElement> = fc.record({
  set: fc.constantFrom("exported4" as const, "imported_hosts6" as const),
  element: fc.constantFrom("a", "b", "c"),
});
const steps = fc.array(
  fc.oneof(
    fc.record({
      key: fc.constantFrom("s1", "s2", "s3"),
      elements: fc.array(anyElement, { maxLength: 4 }),
    }),
    fc.constant("take" as const),
  ),
  { maxLength: 30 },
);

test("whoever follows the changes has what the slices together let pass", () => {
  fc.assert(
    fc.property(steps, (script) => {
      const contents = new FilterContents();
      const slices = new Map<string, readonly SetElement[]>();
      const kernel = new Map(FILTER_SETS.map((set) => [set, new Set<string>()]));
      for (const step of [...script, "take" as const]) {
        if (step !== "take") {
          contents.set(step.key, step.elements);
          slices.set(step.key, step.elements);
          continue;
        }
        for (const { set, add, remove } of contents.takeChanges()) {
          // nft refuses to add what is there and to delete what is not, in one transaction with the rest.
          for (const element of add) expect(kernel.get(set)?.has(element)).toBe(false);
          for (const element of remove) expect(kernel.get(set)?.has(element)).toBe(true);
          for (const element of add) kernel.get(set)?.add(element);
          for (const element of remove) kernel.get(set)?.delete(element);
        }
      }
      for (const set of FILTER_SETS) {
        const wanted = [...slices.values()].flat().filter((each) => each.set === set);
        expect([...(kernel.get(set) ?? [])].sort()).toEqual(
          [...new Set(wanted.map(({ element }) => element))].sort(),
        );
        expect(contents.size(set)).toBe(kernel.get(set)?.size);
      }
      expect(contents.takeChanges()).toEqual([]);
    }),
  );
});
