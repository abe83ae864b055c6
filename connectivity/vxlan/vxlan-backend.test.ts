import { expect, test } from "vitest";
import { parseClusterId } from "../../api/cluster-id.ts";
import { serviceKey } from "../../api/service-key.ts";
import { describeBackend } from "../backend.compliance.ts";
import { vxlanBackend } from "./vxlan-backend.ts";

const PREFIXES = [
  { cidr: "10.1.0.0/16", global: "242.7.0.0/16" },
  { cidr: "fd00:10:1::/64", global: "fd99:0:0:7::/64" },
];
const WEB = serviceKey("shop", "web");
const state = { ready: true, serving: true, terminating: false };

describeBackend("vxlan", () => vxlanBackend(() => PREFIXES));

function peer(): Parameters<ReturnType<typeof vxlanBackend>["reach"]>[0] {
  const parsed = parseClusterId("peer");
  if (!parsed.ok) throw new Error(parsed.error);
  return parsed.value;
}

test("pod addresses become global ones, one to one; others have no way", () => {
  const reached = vxlanBackend(() => PREFIXES).reach(peer(), WEB, {
    addressType: "IPv4",
    ports: [],
    endpoints: ["10.1.2.3", "10.2.0.1", "10.1.255.255"].map((address) => ({
      addresses: [address],
      ...state,
    })),
  });
  expect(reached?.endpoints.map(({ addresses }) => addresses)).toEqual([
    ["242.7.2.3"],
    ["242.7.255.255"],
  ]);
});

test("a peer without prefixes has no way, but an empty slice is an empty slice", () => {
  const backend = vxlanBackend(() => []);
  const slice = { addressType: "IPv4" as const, ports: [], endpoints: [] };
  expect(backend.reach(peer(), WEB, slice)).toEqual(slice);
  const endpoints = [{ addresses: ["10.1.2.3"], ...state }];
  expect(backend.reach(peer(), WEB, { ...slice, endpoints })).toBeUndefined();
});
