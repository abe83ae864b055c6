import { expect, test } from "vitest";
import type { EndpointSlice } from "../../../api/kube/endpoint-slice.ts";
import { LABEL_SERVICE_NAME } from "../../../api/mcs/labels.ts";
import { type Candidate, ExportBook, FOUND_MAX } from "./export-book.ts";

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

test("so many answers of a service are kept, others are looked up each time, and all are right", () => {
  const book = new ExportBook();
  const ports = Array.from({ length: FOUND_MAX + 20 }, (_, n) => ({
    name: `p${n}`,
    port: 1000 + n,
  }));
  const put = (address: string): void => book.put({ ...slice("one", [address]), ports });
  const ask = (): (readonly Candidate[])[] =>
    ports.map(({ name }) => book.find({ ...WEB, port: name }));
  put("10.0.0.1");
  const first = ask();
  expect(first.map(([found]) => found?.port)).toEqual(ports.map(({ port }) => port));
  const again = ask();
  expect(again).toEqual(first);
  expect(again.filter((found, n) => found === first[n])).toHaveLength(FOUND_MAX);
  // Another service has as many of its own.
  const other = { ...slice("two", ["10.0.0.9"]), ports };
  book.put({ ...other, metadata: { ...other.metadata, labels: { [LABEL_SERVICE_NAME]: "api" } } });
  const api = { ...WEB, name: "api", port: "p0" };
  expect(book.find(api)).toBe(book.find(api));
  put("10.0.0.2");
  expect(ask().map(([found]) => found?.key)).toEqual(ports.map(({ port }) => `10.0.0.2 ${port}`));
});

test("of names that nobody has nothing is kept", () => {
  const book = new ExportBook();
  book.put(slice("one", ["10.0.0.1"]));
  for (let n = 0; n < FOUND_MAX; n++) expect(book.find({ ...WEB, port: `p${n}` })).toEqual([]);
  expect(book.find(WEB)).toBe(book.find(WEB));
});
