import { expect, test } from "vitest";
import { toNetworkOptions } from "./network-settings.ts";

const GIVEN = { cidrs: [], serviceCidrs: [], globalPrefix: [], encryption: "none" } as const;

test("is what was given, networks in their one form", () => {
  const given = {
    ...GIVEN,
    cidrs: ["10.1.0.0/16", "FD00:1::/56"],
    globalPrefix: ["10.1.0.0/16=242.7.0.0/16"],
    tunnelMtu: 1400,
  };
  expect(toNetworkOptions(given)).toEqual({
    ok: true,
    value: {
      settings: {
        podCidrs: ["10.1.0.0/16", "fd00:1::/56"],
        serviceCidrs: [],
        encryption: "none",
        mtu: 1400,
      },
      fixed: [{ cidr: "10.1.0.0/16", global: "242.7.0.0/16" }],
    },
  });
});

test.each([
  [{ cidrs: ["10.1.0.1/16"] }, /no bits beyond.*10\.1\.0\.1\/16/],
  [{ serviceCidrs: ["x"] }, /address\/prefix length: got "x"/],
  [{ globalPrefix: ["10.1.0.0/16"] }, /must be cidr=global.*got "10.1.0.0\/16"/],
  [{ globalPrefix: ["10.1.0.0/16=242.0.0.0/17"] }, /one family and length/],
  [{ globalPrefix: ["10.1.0.0/16=fd00::/16"] }, /one family and length/],
])("%j is refused with rule and value", (change, error) => {
  const options = toNetworkOptions({ ...GIVEN, ...change });
  expect(options.ok ? "" : options.error).toMatch(error);
});
