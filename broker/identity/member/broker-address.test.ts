import { describe, expect, test } from "vitest";
import { parseBrokerAddress } from "./broker-address.ts";

describe("broker address", () => {
  test.each([
    ["hub.example:7600", { host: "hub.example", port: 7600 }],
    ["192.0.2.1:1", { host: "192.0.2.1", port: 1 }],
    ["[2001:db8::1]:65535", { host: "2001:db8::1", port: 65_535 }],
  ])("reads %s", (text, value) => {
    expect(parseBrokerAddress(text)).toEqual({ ok: true, value });
  });

  test.each([
    "",
    "hub",
    "hub:",
    "hub:0",
    "hub:65536",
    "hub:x",
    ":1",
    "2001:db8::1:1",
    "[hub]:1",
    "https://hub:1",
    "a b:1",
    "-a:1",
  ])("refuses %j", (text) => {
    const parsed = parseBrokerAddress(text);
    expect(parsed.ok ? "" : parsed.error).toContain("must be host:port");
  });
});
