import { expect, test } from "vitest";
import type { EndpointSlice } from "../../../api/kube/endpoint-slice.ts";
import { LABEL_SERVICE_NAME } from "../../../api/mcs/labels.ts";
import { ExportBook } from "./export-book.ts";

function slice(name: string, addresses: readonly string[], port = 80): EndpointSlice {
  return {
    apiVersion: "discovery.k8s.io/v1",
    kind: "EndpointSlice",
    metadata: { name, namespace: "shop", labels: { [LABEL_SERVICE_NAME]: "web" } },
    addressType: "IPv4",
    ports: [{ name: "http", protocol: "TCP", port }],
    endpoints: addresses.map((address) => ({ addresses: [address], conditions: { ready: true } })),
  };
}

const WEB = {
  ...{ namespace: "shop", name: "web", port: "http", hostname: "" },
  protocol: "tcp" as const,
};

test("what is found follows every change of a slice, however often it was asked for before", () => {
  const book = new ExportBook();
  const found = (): readonly string[] => book.find(WEB).map(({ key }) => key);
  expect(found()).toEqual([]);
  book.put(slice("one", ["10.0.0.1"]));
  expect(found()).toEqual(["10.0.0.1 80"]);
  book.put(slice("two", ["10.0.0.2"]));
  expect(found()).toEqual(["10.0.0.1 80", "10.0.0.2 80"]);
  book.put(slice("one", ["10.0.0.3"], 81));
  expect(found()).toEqual(["10.0.0.3 81", "10.0.0.2 80"]);
  book.remove(slice("one", []));
  expect(found()).toEqual(["10.0.0.2 80"]);
  book.remove(slice("two", []));
  expect(found()).toEqual([]);
});

test("what differs in one word is something else", () => {
  const book = new ExportBook();
  book.put(slice("one", ["10.0.0.1"]));
  expect(book.find(WEB)).toHaveLength(1);
  for (const other of [
    { port: "https" },
    { protocol: "udp" as const },
    { name: "api" },
    { namespace: "bank" },
    { hostname: "web-0" },
  ]) {
    expect(book.find({ ...WEB, ...other })).toEqual([]);
    expect(book.find(WEB)).toHaveLength(1);
  }
});
