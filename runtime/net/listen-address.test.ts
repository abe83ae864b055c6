import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { err, ok } from "../../api/result.ts";
import { formatListenAddress, parseListenAddress } from "./listen-address.ts";
import { listenErrorText } from "./listen-error.ts";

describe("parseListenAddress", () => {
  test.each([
    { text: ":8080", want: { port: 8080 } },
    { text: "127.0.0.1:0", want: { host: "127.0.0.1", port: 0 } },
    { text: "[::]:53", want: { host: "::", port: 53 } },
    { text: "[::1]:65535", want: { host: "::1", port: 65_535 } },
    { text: "[10.0.0.1]:80", want: { host: "10.0.0.1", port: 80 } },
    { text: "localhost:80", want: { host: "localhost", port: 80 } },
    { text: "broker.example.com:443", want: { host: "broker.example.com", port: 443 } },
  ])("reads $text", ({ text, want }) => {
    expect(parseListenAddress(text)).toEqual(ok(want));
  });

  test.each([
    { text: "", rule: 'must be "host:port"' },
    { text: "8080", rule: 'must be "host:port"' },
    { text: ":", rule: "port must be 0 to 65535" },
    { text: "host:", rule: "port must be 0 to 65535" },
    { text: ":65536", rule: "port must be 0 to 65535" },
    { text: ":-1", rule: "port must be 0 to 65535" },
    { text: ":1e3", rule: "port must be 0 to 65535" },
    { text: ": 80", rule: "port must be 0 to 65535" },
    { text: "::1:80", rule: "an IPv6 address must be in brackets" },
    { text: "[::1:80", rule: "an IPv6 address must be in brackets" },
    { text: "[a.example]:80", rule: "brackets must hold an IP address" },
    { text: "10.0.0.300:80", rule: "host must be an IPv4 address" },
    { text: "a b:80", rule: "host must be an IP address or a host name" },
    { text: "http://x:80", rule: "an IPv6 address must be in brackets" },
    { text: "-x:80", rule: "host must be an IP address or a host name" },
  ])("refuses $text and says why", ({ text, rule }) => {
    const got = parseListenAddress(text);
    expect(got).toEqual(err(expect.stringContaining(rule)));
    expect(got).toEqual(err(expect.stringContaining(`got ${JSON.stringify(text)}`)));
  });

  test("format and parse are inverse", () => {
    const host = fc.option(fc.oneof(fc.ipV4(), fc.ipV6(), fc.domain()), { nil: undefined });
    fc.assert(
      fc.property(host, fc.integer({ min: 0, max: 65_535 }), (host, port) => {
        const address = host === undefined ? { port } : { host, port };
        expect(parseListenAddress(formatListenAddress(address))).toEqual(ok(address));
      }),
    );
  });
});

test("listen errors name the address and the reason", () => {
  const inUse = Object.assign(new Error("listen EADDRINUSE"), { code: "EADDRINUSE" });
  expect(listenErrorText({ host: "::", port: 53 }, inUse)).toBe(
    "cannot listen on [::]:53: address in use by another process",
  );
  expect(listenErrorText({ port: 53 }, new Error("odd"))).toBe("cannot listen on :53: odd");
  expect(listenErrorText({ port: 53 }, "odd", "udp")).toBe("cannot listen on udp :53: odd");
});
