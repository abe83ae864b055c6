import { expect, test } from "vitest";
import { gatewayEndpointsSetting } from "./gateway-endpoints-setting.ts";

test("gateways are reached at addresses of either family; at their node's by default", () => {
  const both = ["192.0.2.7", "2001:db8::7"];
  expect(gatewayEndpointsSetting.parse(both)).toEqual(both);
  expect(gatewayEndpointsSetting.parse(undefined)).toEqual([]);
});

test.each([
  ["300.1.1.1", /must be an IPv4 or IPv6 address: got "300\.1\.1\.1"/],
  ["gateway.example", /must be an IPv4 or IPv6 address: got "gateway\.example"/],
  ["192.0.2.7:4798", /must be an IPv4 or IPv6 address/],
  ["127.0.0.1", /must not be of 127\.0\.0\.0\/8: got "127\.0\.0\.1"/],
  ["fe80::1", /must not be of fe80::\/10/],
])(
  "no other cluster could send to %s: said at once, since the hub would refuse all of the row (SEC-06)",
  (endpoint, why) => {
    const { error } = gatewayEndpointsSetting.safeParse(["192.0.2.7", endpoint]);
    expect(error?.issues.map(({ message }) => message).join()).toMatch(why);
  },
);
