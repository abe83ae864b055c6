import { describe, expect, test } from "vitest";
import { serviceKey } from "../../api/service-key.ts";
import { parsePins, servicePin } from "./pins.ts";

describe("pins", () => {
  test("of clusters, namespaces and services", () => {
    const pins = parsePins(["west=vxlan", "shop/*=proxy", "shop/web=underlay", "west=vxlan"]);
    if (!pins.ok) throw new Error(pins.error);
    expect([...pins.value.peers]).toEqual([["west", "vxlan"]]);
    expect(servicePin(pins.value, serviceKey("shop", "web"))).toBe("underlay");
    expect(servicePin(pins.value, serviceKey("shop", "db"))).toBe("proxy");
    expect(servicePin(pins.value, serviceKey("other", "web"))).toBeUndefined();
  });

  test.each([
    ["west", "must be"],
    ["west=vxlan=x", "must be"],
    ["west=ipsec", "backend must be one of underlay, overlay-cni, vxlan, proxy"],
    ["West=vxlan", "West"],
    ["a/b/c=vxlan", "namespace/name"],
    ["a_b/*=vxlan", "a_b"],
  ])("%s is refused", (text, rule) => {
    const parsed = parsePins([text]);
    expect(parsed.ok ? "" : parsed.error).toContain(rule);
    expect(parsed.ok ? "" : parsed.error).toContain(JSON.stringify(text));
  });

  test("one thing cannot be pinned to two", () => {
    expect(parsePins(["west=vxlan", "west=proxy"])).toEqual({
      ok: false,
      error: 'cannot parse pin: already pinned to vxlan: got "west=proxy"',
    });
  });
});
