import * as fc from "fast-check";
import { expect, test } from "vitest";
import { encodeContinueToken, parseContinueToken } from "./continue-token.ts";

test("the form is the real server's", () => {
  expect(encodeContinueToken({ revision: 382, start: "/derived\u0000" })).toBe(
    "eyJ2IjoibWV0YS5rOHMuaW8vdjEiLCJydiI6MzgyLCJzdGFydCI6Ii9kZXJpdmVkXHUwMDAwIn0",
  );
});

test("law: what was encoded is read back", () => {
  fc.assert(
    fc.property(fc.integer({ min: 1 }), fc.string({ minLength: 1 }), (revision, start) => {
      expect(parseContinueToken(encodeContinueToken({ revision, start }))).toEqual({
        ok: true,
        value: { revision, start },
      });
    }),
  );
});

test.each([
  ["xyz", "invalid character 'Ç' looking for beginning of value"],
  ["", "unexpected end of JSON input"],
  [token({ v: "v9", rv: 1, start: "a" }), "does not recognize this encoded version"],
  [token({ v: "meta.k8s.io/v1", rv: 0, start: "a" }), "incorrect encoded start resourceVersion"],
  [token({ v: "meta.k8s.io/v1", rv: 1.5, start: "a" }), "incorrect encoded start resourceVersion"],
  [token({ v: "meta.k8s.io/v1", rv: 1, start: "" }), "start key empty"],
  [token([]), "does not recognize"],
  [token(null), "must be an object"],
])("%s is refused", (text, want) => {
  const parsed = parseContinueToken(text);
  expect(!parsed.ok && parsed.error).toContain(want);
});

function token(value: unknown): string {
  return Buffer.from(JSON.stringify(value)).toString("base64url");
}
