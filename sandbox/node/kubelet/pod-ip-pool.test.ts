import * as fc from "fast-check";
import { expect, test } from "vitest";
import { parseCidr } from "../../../api/network/cidr.ts";
import { PodIpPool, podCapacity } from "./pod-ip-pool.ts";

function aPool(text: string): PodIpPool {
  const cidr = parseCidr(text);
  if (!cidr.ok) throw new Error(cidr.error);
  return new PodIpPool(cidr.value);
}

test("hands out every address but the infrastructure's, then none", () => {
  const pool = aPool("10.1.0.0/27");
  const given = Array.from({ length: 14 }, (_, i) => pool.allocate(`uid-${i}`));
  expect(given[0]).toBe("10.1.0.2");
  expect(given[13]).toBe("10.1.0.15");
  expect(pool.allocate("one more")).toBeUndefined();
  expect(pool.reserved(6)).toBe("10.1.0.26");
});

test.each(["10.1.0.0", "10.1.0.1", "10.1.0.26", "10.1.0.31", "10.2.0.5", "fd00::5", "rubbish"])(
  "%s cannot be claimed",
  (address) => {
    expect(aPool("10.1.0.0/27").claim(address, "me")).toBe(false);
  },
);

test("a freed address comes back last", () => {
  const pool = aPool("10.1.0.0/27");
  const first = pool.allocate("a") ?? "";
  pool.release(first, "a");
  const rest = Array.from({ length: 14 }, (_, i) => pool.allocate(`b${i}`));
  expect(rest.at(-1)).toBe(first);
});

test("no address ever has two owners", () => {
  const step = fc.record({
    what: fc.constantFrom("allocate", "claim", "release"),
    owner: fc.constantFrom("a", "b", "c"),
    host: fc.integer({ min: 0, max: 31 }),
  });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const pool = aPool("10.1.0.0/27");
      const owners = new Map<string, string>();
      for (const { what, owner, host } of steps) {
        const address = `10.1.0.${host}`;
        if (what === "release") {
          pool.release(address, owner);
          if (owners.get(address) === owner) owners.delete(address);
          continue;
        }
        const got = what === "allocate" ? pool.allocate(owner) : address;
        if (got === undefined || (what === "claim" && !pool.claim(got, owner))) continue;
        expect(owners.get(got) ?? owner).toBe(owner);
        if (what === "allocate") expect(owners.has(got)).toBe(false);
        owners.set(got, owner);
      }
    }),
  );
});

test.each([
  [["10.1.0.0/24"], 238],
  [["10.1.0.0/24", "fd00::/64"], 238],
  [["fd00::/64"], 2 ** 31 - 1],
  [["10.1.0.0/28"], 0],
])("%j has addresses for %i pods", (texts, want) => {
  const cidrs = texts.map(parseCidr).flatMap((parsed) => (parsed.ok ? [parsed.value] : []));
  expect(podCapacity(cidrs)).toBe(want);
});
