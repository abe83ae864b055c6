import { expect, test } from "vitest";
import { announcedCidrs, toNetworkOptions } from "./network-settings.ts";

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
  [{ globalPrefix: ["10.1.0.0/16=127.1.0.0/16"] }, /not loopback.*got "10.1.0.0\/16=127/],
  [
    { globalPrefix: Array.from({ length: 65 }, (_, at) => `10.1.${at}.0/24=242.1.${at}.0/24`) },
    /at most 64: got 65/,
  ],
])("%j is refused with rule and value", (change, error) => {
  const options = toNetworkOptions({ ...GIVEN, ...change });
  expect(options.ok ? "" : options.error).toMatch(error);
});

test("what the broker is told of is as given, while it takes it", () => {
  const given = ["10.1.2.3/16", "FD00:1::/56"];
  expect(announcedCidrs(given)).toEqual({ ok: true, value: given });
});

test("too many are announced as fewer that hold all of them", () => {
  const beside = Array.from({ length: 200 }, (_, at) => `10.1.${at}.7/24`);
  expect(announcedCidrs(beside)).toEqual({ ok: true, value: ["10.1.0.0/16"] });
  const apart = Array.from({ length: 100 }, (_, at) => `${at + 1}.0.0.0/32`);
  expect(announcedCidrs(apart)).toEqual({ ok: true, value: ["0.0.0.0/1"] });
});

test.each(["x", "10.1.0.0", "10.1.0.0/33", "10.1.0.0/16/16", "::1%eth0/64"])(
  "%j cannot be announced: rule and value",
  (text) => {
    const announced = announcedCidrs(["10.1.0.0/16", text]);
    expect(announced.ok ? "" : announced.error).toMatch(
      /cannot use --cidrs: .*address\/prefix length/,
    );
    expect(announced.ok ? "" : announced.error).toContain(JSON.stringify(text));
  },
);
