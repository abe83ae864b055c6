import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { err } from "../../api/result.ts";
import { parseCookieSecret, ServerCookies } from "./server-cookies.ts";

const hex = (text: string): Buffer => Buffer.from(text, "hex");

function answer(
  secrets: readonly [string, ...string[]],
  cookie: string,
  address: string,
  at: string,
): { readonly verdict: string; readonly cookie: string } {
  const [first, ...rest] = secrets;
  const cookies = new ServerCookies([hex(first), ...rest.map(hex)]);
  const packet = hex(cookie);
  const option = { at: 0, bytes: packet.length };
  const nowSeconds = Date.parse(at) / 1000;
  const verdict = cookies.answer(packet, option, address, nowSeconds);
  return { verdict, cookie: cookies.reply.toString("hex") };
}

const SECRET = "e5e973e5a6b2a43f48e7dc849e37bfcf";
const OLD_SECRET = "dd3bdf9344b678b185a6f5cb60fca715";
const NEW_SECRET = "445536bcd2513298075a5d379663c962";

describe("RFC 9018, appendix A: test vectors", () => {
  test.each([
    {
      name: "A.1: learning a new server cookie",
      secrets: [SECRET] as const,
      cookie: "2464c4abcf10c957",
      address: "198.51.100.100",
      at: "2019-06-05T10:53:05Z",
      want: { verdict: "unproven", cookie: "2464c4abcf10c957010000005cf79f111f8130c3eee29480" },
    },
    {
      name: "A.2: the same client learning a renewed one",
      secrets: [SECRET] as const,
      cookie: "2464c4abcf10c957010000005cf79f111f8130c3eee29480",
      address: "198.51.100.100",
      at: "2019-06-05T11:33:05Z",
      want: { verdict: "proven", cookie: "2464c4abcf10c957010000005cf7a871d4a564a1442aca77" },
    },
    {
      name: "A.3: another client, reserved bytes in use, older than an hour",
      secrets: [SECRET] as const,
      cookie: "fc93fc62807ddb8601abcdef5cf78f71a314227b6679ebf5",
      address: "203.0.113.203",
      at: "2019-06-05T11:38:20Z",
      want: { verdict: "unproven", cookie: "fc93fc62807ddb86010000005cf7a9acf73a7810aca2381e" },
    },
    {
      name: "A.3, while its cookie is good",
      secrets: [SECRET] as const,
      cookie: "fc93fc62807ddb8601abcdef5cf78f71a314227b6679ebf5",
      address: "203.0.113.203",
      at: "2019-06-05T10:00:00Z",
      want: {
        verdict: "proven",
        cookie: expect.stringMatching(/^fc93fc62807ddb86010000005cf792a0/),
      },
    },
    {
      name: "A.4: IPv6 query with rolled over secret",
      secrets: [NEW_SECRET, OLD_SECRET] as const,
      cookie: "22681ab97d52c298010000005cf7c57926556bd0934c72f8",
      address: "2001:db8:220:1:59de:d0f4:8769:82b8",
      at: "2019-06-05T13:39:21Z",
      want: { verdict: "proven", cookie: "22681ab97d52c298010000005cf7c609a6bb79d16625507a" },
    },
  ])("$name", ({ secrets, cookie, address, at, want }) => {
    expect(answer(secrets, cookie, address, at)).toEqual(want);
  });
});

const CLIENT = "2464c4abcf10c957";
const NOON = "2026-06-05T12:00:00Z";
const MADE = answer([SECRET], CLIENT, "192.0.2.1", NOON).cookie;

describe("a cookie of noon", () => {
  test.each([
    { name: "comes back within half an hour", at: "2026-06-05T12:30:00Z", isKept: true },
    { name: "is good but renewed afterwards", at: "2026-06-05T12:30:01Z", isRenewed: true },
    { name: "is good for an hour", at: "2026-06-05T13:00:00Z", isRenewed: true },
    { name: "not longer", at: "2026-06-05T13:00:01Z" },
    { name: "is good five minutes ahead", at: "2026-06-05T11:55:00Z", isKept: true },
    { name: "not more", at: "2026-06-05T11:54:59Z" },
    { name: "belongs to one address", at: NOON, address: "192.0.2.2" },
    { name: "whatever socket sees it", at: NOON, address: "::ffff:192.0.2.1", isKept: true },
    { name: "and to one client cookie", at: NOON, cookie: MADE.replace("2464", "2465") },
    { name: "in one version", at: NOON, cookie: MADE.replace("01000000", "02000000") },
    { name: "of one size", at: NOON, cookie: MADE.slice(0, -2) },
    { name: "made with one secret", at: NOON, secret: NEW_SECRET },
  ])("$name", ({ at, address, cookie, secret, isKept, isRenewed }) => {
    const got = answer([secret ?? SECRET], cookie ?? MADE, address ?? "192.0.2.1", at);
    if (isKept === true) expect(got.cookie).toBe(MADE);
    if (isRenewed === true) expect(got.cookie).not.toBe(MADE);
    expect(got.verdict).toBe(isKept === true || isRenewed === true ? "proven" : "unproven");
    expect(got.cookie.slice(0, 16)).toBe((cookie ?? MADE).slice(0, 16));
  });
});

test("no byte of it may be another", () => {
  fc.assert(
    fc.property(fc.nat(23), fc.integer({ min: 1, max: 255 }), (at, change) => {
      const cookie = hex(MADE);
      cookie[at] = (cookie[at] ?? 0) ^ change;
      expect(answer([SECRET], cookie.toString("hex"), "192.0.2.1", NOON).verdict).toBe("unproven");
    }),
  );
});

test("a secret is 32 hexadecimal digits, and errors do not tell it", () => {
  expect(parseCookieSecret(SECRET)).toMatchObject({ ok: true });
  expect(parseCookieSecret("hunter2")).toEqual(
    err("cannot parse cookie secret: must be 32 hexadecimal digits: got 7 characters"),
  );
});
