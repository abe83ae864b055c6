import { describe, expect, test } from "vitest";
import { isNewer, rowKey, serviceOfRowKey } from "./broker/row.ts";
import { parseClusterId } from "./cluster-id.ts";
import { parseServiceKey, serviceKey, splitServiceKey } from "./service-key.ts";

describe("parseClusterId (CID-05)", () => {
  test.each(["a", "member-1", "0", "x".repeat(63)])("takes %s", (text) => {
    expect(parseClusterId(text)).toEqual({ ok: true, value: text });
  });

  test.each([
    { text: "", seen: '""' },
    { text: "A", seen: '"A"' },
    { text: "-a", seen: '"-a"' },
    { text: "a-", seen: '"a-"' },
    { text: "a.b", seen: '"a.b"' },
    { text: "a_b", seen: '"a_b"' },
    { text: "ä", seen: '"ä"' },
    { text: "x".repeat(64), seen: "got 64" },
  ])("refuses $text with the rule and the value", ({ text, seen }) => {
    const parsed = parseClusterId(text);
    expect(parsed.ok ? "" : parsed.error).toContain("cannot parse cluster id: must be");
    expect(parsed.ok ? "" : parsed.error).toContain(seen);
  });
});

describe("service keys", () => {
  test("are namespace and name, and come apart again", () => {
    expect(splitServiceKey(serviceKey("shop", "web"))).toEqual({ namespace: "shop", name: "web" });
  });

  test.each(["shop", "shop/web/x", "/web", "shop/", "Shop/web", "shop/9web"])(
    "%s is none",
    (text) => {
      expect(parseServiceKey(text).ok).toBe(false);
    },
  );
});

test("a row's key names its service", () => {
  const cluster = parseClusterId("a");
  if (!cluster.ok) throw new Error(cluster.error);
  const key = rowKey({
    kind: "endpoints",
    cluster: cluster.value,
    namespace: "shop",
    name: "web",
    slice: "web-1",
    addressType: "IPv4",
    ports: [],
    endpoints: [],
  });
  expect(key).toBe("endpoints/shop/web/web-1");
  expect(serviceOfRowKey(key)).toBe("shop/web");
});

test.each([
  { a: [1, 5], b: [1, 4], newer: true },
  { a: [1, 4], b: [1, 4], newer: false },
  { a: [2, 0], b: [1, 9], newer: true },
  { a: [1, 9], b: [2, 0], newer: false },
])("version $a newer than $b: $newer", ({ a, b, newer }) => {
  const version = ([incarnation = 0, sequence = 0]: readonly number[]) => ({
    incarnation,
    sequence,
  });
  expect(isNewer(version(a), version(b))).toBe(newer);
});
