import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { formatJoinToken, parseJoinToken } from "./join-token.ts";

const ID = "abcdefghijkl";
const SECRET = "s".repeat(43);
const AUTHORITY = "f".repeat(43);
const TEXT = `isthmus-join.${ID}.${SECRET}.${AUTHORITY}`;

const base64url = (length: number): fc.Arbitrary<string> =>
  fc.stringMatching(new RegExp(`^[A-Za-z0-9_-]{${length}}$`));

describe("join token", () => {
  test("formatting then parsing gives the token back, with and without address", () => {
    fc.assert(
      fc.property(
        fc.record(
          {
            id: base64url(12),
            secret: base64url(43),
            authorities: fc.array(base64url(43), { minLength: 1, maxLength: 2 }),
            brokerAddress: fc.stringMatching(/^[a-z0-9.:[\]-]{1,100}$/),
          },
          { requiredKeys: ["id", "secret", "authorities"] },
        ),
        (token) => {
          expect(parseJoinToken(` ${formatJoinToken(token)}\n`)).toEqual({
            ok: true,
            value: token,
          });
        },
      ),
    );
  });

  test.each([
    { name: "nothing", given: "", want: "got 1 parts" },
    {
      name: "another prefix",
      given: TEXT.replace("isthmus-join", "k10"),
      want: "without the prefix",
    },
    {
      name: "a cut secret",
      given: `isthmus-join.${ID}.${SECRET.slice(1)}.${AUTHORITY}`,
      want: "secret must be 43 characters of base64url: got 42",
    },
    { name: "a cut end", given: TEXT.slice(0, -1), want: "authority must be 43 characters" },
    {
      name: "three authorities",
      given: `${TEXT}~${AUTHORITY}~${AUTHORITY}`,
      want: "authority must be",
    },
    { name: "half an authority", given: `${TEXT}~`, want: "authority must be 43 characters" },
    { name: "a missing part", given: `isthmus-join.${ID}.${SECRET}`, want: "got 3 parts" },
    {
      name: "an id that leaves a folder",
      given: TEXT.replace(ID, "../../../etc"),
      want: "must be isthmus-join",
    },
    {
      name: "an id with a slash",
      given: TEXT.replace(ID, "abc/efghijkl"),
      want: "id must be 12 characters",
    },
    { name: "an address that is not base64url", given: `${TEXT}.host:1`, want: "address must be" },
    { name: "a flood", given: TEXT.repeat(20), want: "characters" },
  ])("refuses $name and never repeats the secret", ({ given, want }) => {
    const parsed = parseJoinToken(given);
    expect(parsed.ok ? "" : parsed.error).toContain(want);
    expect(parsed.ok ? "" : parsed.error).not.toContain("ssss");
  });

  test("never throws", () => {
    fc.assert(fc.property(fc.string(), (text) => !parseJoinToken(text).ok));
  });
});
