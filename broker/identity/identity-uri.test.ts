import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { formatIdentityUri, parseIdentityUri } from "./identity-uri.ts";

describe("identity uri", () => {
  test.each([
    {
      name: "a member",
      given: "isthmus://prod/east-1/7",
      want: { clusterset: "prod", clusterId: "east-1", incarnation: 7 },
    },
  ])("reads $name", ({ given, want }) => {
    const parsed = parseIdentityUri(given);
    expect(parsed).toEqual({ ok: true, value: want });
    if (parsed.ok) expect(formatIdentityUri(parsed.value)).toBe(given);
  });

  test.each([
    ["another scheme", "spiffe://prod/east/7"],
    ["no incarnation", "isthmus://prod/east"],
    ["incarnation zero", "isthmus://prod/east/0"],
    ["leading zero", "isthmus://prod/east/07"],
    ["beyond exact integers", "isthmus://prod/east/9999999999999999"],
    ["upper case id", "isthmus://prod/East/7"],
    ["empty clusterset", "isthmus:///east/7"],
    ["one part more", "isthmus://prod/east/7/8"],
    ["two names", "isthmus://prod/east/7, URI:isthmus://prod/west/8"],
    ["line break", "isthmus://prod/east/7\n"],
  ])("refuses %s", (_name, given) => {
    expect(parseIdentityUri(given).ok).toBe(false);
  });

  test("never throws", () => {
    fc.assert(fc.property(fc.string(), (text) => !parseIdentityUri(text).ok));
  });
});
