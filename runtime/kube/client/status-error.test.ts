import { describe, expect, test } from "vitest";
import { fromErrorAnswer, fromStatusObject } from "./status-error.ts";

function aStatus(reason: string, details: unknown = {}): string {
  return JSON.stringify({ kind: "Status", message: `it is ${reason}`, reason, details });
}

describe("fromErrorAnswer", () => {
  test.each([
    // Redirects are not followed.
    { status: 302, reason: "", want: "unavailable" },
    { status: 400, reason: "BadRequest", want: "invalid" },
    { status: 401, reason: "Unauthorized", want: "forbidden" },
    { status: 403, reason: "Forbidden", want: "forbidden" },
    { status: 405, reason: "MethodNotAllowed", want: "invalid" },
    { status: 408, reason: "Timeout", want: "timeout" },
    { status: 409, reason: "AlreadyExists", want: "already-exists" },
    { status: 409, reason: "Conflict", want: "conflict" },
    { status: 410, reason: "Expired", want: "gone" },
    { status: 413, reason: "RequestEntityTooLarge", want: "invalid" },
    { status: 415, reason: "UnsupportedMediaType", want: "invalid" },
    { status: 422, reason: "Invalid", want: "invalid" },
    { status: 429, reason: "TooManyRequests", want: "throttled" },
    { status: 500, reason: "InternalError", want: "unavailable" },
    { status: 502, reason: "", want: "unavailable" },
    { status: 503, reason: "ServiceUnavailable", want: "unavailable" },
    { status: 504, reason: "Timeout", want: "timeout" },
  ])("$status $reason is $want", ({ status, reason, want }) => {
    expect(fromErrorAnswer(status, aStatus(reason), undefined)).toEqual({
      kind: want,
      message: `it is ${reason}`,
      status,
    });
  });

  test.each([
    { body: "", want: "HTTP status 502" },
    { body: "  bad gateway\n", want: "bad gateway" },
    { body: '{"kind":"Other"}', want: '{"kind":"Other"}' },
    { body: "null", want: "null" },
    { body: '{"kind":"Status","details":{"causes":[1,null,{}]}}', want: expect.any(String) },
  ])("an answer that is no Status, $body, keeps what it says", ({ body, want }) => {
    expect(fromErrorAnswer(502, body, undefined)).toMatchObject({
      kind: "unavailable",
      message: want,
    });
  });

  test.each([
    { header: "7", seconds: 2, want: 7_000 },
    { header: undefined, seconds: 2, want: 2_000 },
    { header: "Wed, 21 Oct 2026 07:28:00 GMT", seconds: 2, want: 2_000 },
    { header: "-1", seconds: 0, want: undefined },
  ])("Retry-After $header, $seconds s in the Status", ({ header, seconds, want }) => {
    const body = aStatus("TooManyRequests", { retryAfterSeconds: seconds });
    expect(fromErrorAnswer(429, body, header).retryAfterMs).toBe(want);
  });

  test("a message of a page of HTML is bounded", () => {
    expect(fromErrorAnswer(502, "x".repeat(100_000), undefined).message).toHaveLength(2_048);
  });
});

test.each([
  { object: { kind: "Status", code: 410, message: "too old" }, want: "gone" },
  { object: { kind: "Status" }, want: "unavailable" },
  { object: null, want: "unavailable" },
  { object: undefined, want: "unavailable" },
])("the ERROR event of a watch: $object is $want", ({ object, want }) => {
  expect(fromStatusObject(object).kind).toBe(want);
});
