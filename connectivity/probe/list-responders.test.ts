import { expect, test } from "vitest";
import type { Endpoint, EndpointSlice } from "../../api/kube/endpoint-slice.ts";
import { listResponders } from "./list-responders.ts";

function slice(
  addressType: EndpointSlice["addressType"],
  endpoints: readonly Endpoint[],
): EndpointSlice {
  return {
    apiVersion: "discovery.k8s.io/v1",
    kind: "EndpointSlice",
    metadata: { namespace: "isthmus-system", name: `responders-${addressType}` },
    addressType,
    endpoints,
    ports: [
      { name: "probes", protocol: "UDP", port: 4796 },
      { name: "other", protocol: "TCP", port: 80 },
    ],
  };
}

const SLICES = [
  slice("IPv4", [
    { addresses: ["10.1.0.7"], conditions: { ready: false, serving: false, terminating: false } },
    { addresses: ["10.1.0.5"], conditions: { ready: true } },
    { addresses: ["10.1.0.6"], conditions: { ready: false, serving: true, terminating: true } },
  ]),
  slice("IPv6", [{ addresses: ["fd00::5"] }]),
  slice("FQDN", [{ addresses: ["pod.example"] }]),
];

test("every pod that answers, ready or not, but none that is going; each once, in one order", () => {
  const listed = listResponders({ own: ["10.1.0.5:4796"], parted: [], slices: SLICES });
  expect(listed).toEqual(["10.1.0.5:4796", "10.1.0.7:4796", "[fd00::5]:4796"]);
  const other = listResponders({
    own: ["[fd00::5]:4796"],
    parted: [],
    slices: SLICES.toReversed(),
  });
  expect(other).toEqual(listed);
});

test("a process that stops takes itself out, whatever slices say yet", () => {
  const parted = ["10.1.0.5:4796", "[fd00::5]:4796"];
  expect(listResponders({ own: [], parted, slices: SLICES })).toEqual(["10.1.0.7:4796"]);
});

test("no more than peers and the hub have use for", () => {
  const endpoints = Array.from({ length: 40 }, (_, at) => ({ addresses: [`10.1.0.${at + 10}`] }));
  expect(listResponders({ own: [], parted: [], slices: [slice("IPv4", endpoints)] })).toHaveLength(
    8,
  );
});
