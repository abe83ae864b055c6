import { describe, expect, test } from "vitest";
import type { EndpointSlice } from "../../../api/kube/endpoint-slice.ts";
import { AUDIENCE_TABLE, withAudiences } from "./audience-table.ts";
import { example, slice } from "./example.fixture.ts";
import type { FilterScope } from "./filter-contents.ts";
import { EMPTY_KERNEL_STATE } from "./kernel-state.ts";
import { NO_SLOTS, type Plan } from "./plan.ts";

const own = example(1, "dual");
const east = example(2, "dual");
const west = example(3, "dual");
const scope: FilterScope = {
  own: own.cluster,
  maps: own.own.maps,
  peerMaps: new Map(),
  peers: new Map([
    [east.cluster, east.peer.prefixes],
    [west.cluster, west.peer.prefixes],
  ]),
};
const PLAN: Plan = { kernel: EMPTY_KERNEL_STATE, tables: [], sysctls: [], slots: NO_SLOTS };

function exported(address: string, to?: string, source = own.cluster): EndpointSlice {
  const made = slice(source, [address], [{ port: 80 }]);
  const annotations = to === undefined ? {} : { annotations: { "isthmus.dev/export-to": to } };
  return { ...made, metadata: { ...made.metadata, ...annotations } };
}

function bodyOf(...endpoints: readonly EndpointSlice[]): string {
  const [table] = withAudiences(PLAN, { endpoints, scope }).tables;
  expect(table?.name).toBe(AUDIENCE_TABLE);
  return table?.body ?? "";
}

describe("exports for chosen clusters", () => {
  test("without any there is nothing to look up, and a peer's list is the peer's to enforce", () => {
    expect(bodyOf()).toBe("");
    expect(bodyOf(exported("10.0.1.5"))).toBe("");
    expect(bodyOf(exported("242.2.1.5", "c9", east.cluster))).toBe("");
  });

  test("only clusters of the list get through, to either address of the endpoint", () => {
    const body = bodyOf(exported("10.0.1.5", "c2"));
    for (const address of ["10.0.1.5", "242.1.1.5"]) {
      expect(body).toContain(`${address} . tcp . 80 : goto from_0`);
      expect(body).toContain(`${address} . tcp . 80 : goto to_0`);
      expect(body).toContain(`${address} : goto from_0`);
    }
    for (const prefix of east.peer.prefixes) expect(body).toContain(prefix);
    for (const prefix of west.peer.prefixes) expect(body).not.toContain(prefix);
  });

  test("an endpoint's port that is exported twice is for whoever one of the exports is for", () => {
    expect(bodyOf(exported("10.0.1.5", "c2"), exported("10.0.1.5"))).toBe("");
    const both = bodyOf(exported("10.0.1.5", "c2"), exported("10.0.1.5", "c3"));
    for (const prefix of [...east.peer.prefixes, ...west.peer.prefixes]) {
      expect(both).toContain(prefix);
    }
  });

  test("a list of clusters that nobody knows is for nobody", () => {
    const body = bodyOf(exported("10.0.1.5", "c9"));
    expect(body).toContain("goto from_0");
    // What is not for another cluster's device at all.
    const accepting = body.split("\n").filter((line) => line.endsWith(" accept"));
    expect(accepting.every((line) => line.includes("ifname != "))).toBe(true);
  });
});
