import { expect, test } from "vitest";
import type { KubeObject } from "../../api/kube/object.ts";
import { VirtualClock } from "../../runtime/clock/virtual-clock.ts";
import { silentLogger } from "../../runtime/log/silent-log.ts";
import { ReportBook } from "./report-book.ts";

function report(spec: Readonly<Record<string, unknown>>): KubeObject {
  const renewedAt = "2026-01-01T00:00:00Z";
  return {
    apiVersion: "isthmus.dev/v1alpha1",
    kind: "PathReport",
    metadata: { name: "node-a" },
    spec: { role: "gateway", renewedAt, paths: [], ...spec },
  } as KubeObject;
}

const path = (peer: string) => ({ peer, backend: "vxlan", state: "up" });

test("a report concerns the peers that it names, before and after", () => {
  const book = new ReportBook({ log: silentLogger, clock: new VirtualClock() });
  expect(book.take("a", report({ paths: [path("west")] }))).toEqual(new Set(["west"]));
  expect(book.take("a", report({ paths: [path("north")] }))).toEqual(new Set(["west", "north"]));
  expect(book.take("a", undefined)).toEqual(new Set(["north"]));
  expect(book.take("a", undefined)).toEqual(new Set());
  expect(book.all()).toEqual([]);
});

test("where proxies take clients concerns everybody, also when such a proxy goes", () => {
  const book = new ReportBook({ log: silentLogger, clock: new VirtualClock() });
  const proxy = report({ role: "proxy", clientAddresses: ["10.1.0.5"], paths: [path("west")] });
  expect(book.take("p", proxy)).toBe("all");
  expect(book.take("p", proxy)).toEqual(new Set(["west"]));
  expect(book.take("p", undefined)).toBe("all");
});

test("one that cannot be read leaves what was said before", () => {
  const book = new ReportBook({ log: silentLogger, clock: new VirtualClock() });
  book.take("a", report({ paths: [path("west")] }));
  expect(book.take("a", report({ paths: "none" }))).toEqual(new Set(["west"]));
  expect(book.all()).toHaveLength(1);
});
