import { describe, expect, test } from "vitest";
import { START_MS, TestCore } from "../testing/test-core.ts";
import { authenticate, type Credentials } from "./authenticate.ts";
import { impersonate, isAllowed } from "./authorize.ts";
import { issueToken, type TokenClaims, verifyToken } from "./service-account-token.ts";
import { AUTHENTICATED, MASTERS, serviceAccountUser } from "./user.ts";

const KEY = new Uint8Array(32).fill(7);
const CLAIMS: TokenClaims = {
  namespace: "shop",
  name: "bot",
  uid: "u1",
  audiences: ["a"],
  issuedAt: START_MS / 1000,
  expiresAt: START_MS / 1000 + 600,
};

describe("service account tokens", () => {
  const token = issueToken(CLAIMS, KEY);

  test("are read back by the key that signed them, until they expire", () => {
    expect(verifyToken(token, KEY, START_MS)).toEqual(CLAIMS);
    expect(verifyToken(token, KEY, START_MS + 600_000)).toBeUndefined();
    expect(verifyToken(token, new Uint8Array(32), START_MS)).toBeUndefined();
  });

  test.each([
    ["another payload", token.replace(/\.[^.]+\./, ".e30.")],
    ["no signature", token.replace(/\.[^.]+$/, ".")],
    ["no algorithm", token.replace(/^[^.]+/, Buffer.from('{"alg":"none"}').toString("base64url"))],
    ["garbage", "a.b.c.d"],
    ["nothing", ""],
  ])("%s is not one", (_, forged) => {
    expect(verifyToken(forged, KEY, START_MS)).toBeUndefined();
  });
});

describe("authenticate", () => {
  const known = { name: "static", groups: ["g"] };
  const options = {
    staticTokens: new Map([["secret", known]]),
    tokenKey: KEY,
    serviceAccountExists: ({ uid }: TokenClaims) => uid === "u1",
  };
  const certificate = { commonName: "admin", organizations: [MASTERS] };

  test.each<[string, Credentials, string | undefined]>([
    ["nothing", {}, "system:anonymous"],
    ["a certificate", { certificate }, "admin"],
    ["a certificate and a token", { certificate, authorization: "Bearer nope" }, "admin"],
    ["a static token", { authorization: "Bearer secret" }, "static"],
    [
      "a token",
      { authorization: `bearer ${issueToken(CLAIMS, KEY)}` },
      "system:serviceaccount:shop:bot",
    ],
    [
      "a token of an account that is gone",
      { authorization: `Bearer ${issueToken({ ...CLAIMS, uid: "u0" }, KEY)}` },
      undefined,
    ],
    ["an unknown token", { authorization: "Bearer nope" }, undefined],
  ])("%s", (_, credentials, name) => {
    const user = authenticate(credentials, options, START_MS);
    expect(user.ok ? user.value.name : undefined).toBe(name);
    if (!user.ok) expect(user.error.code).toBe(401);
  });
});

describe("authorize", () => {
  const master = { name: "m", groups: [MASTERS] };
  const somebody = { name: "s", groups: [AUTHENTICATED] };
  const nobody = { name: "n", groups: [] };
  const path = (path: string, verb = "get") => ({ kind: "path" as const, verb, path });

  test.each([
    [master, path("/anything", "post"), true],
    [somebody, path("/apis/apps/v1"), true],
    [somebody, path("/apis-of-mine"), false],
    [somebody, path("/healthz", "post"), false],
    [nobody, path("/healthz"), true],
    [nobody, path("/openapi/v3"), false],
  ])("%j %j: %s", (user, attributes, want) => {
    expect(isAllowed(user, attributes)).toBe(want);
  });

  test("only masters act as others", () => {
    const asked = { name: "system:serviceaccount:shop:bot", groups: [] };
    expect(impersonate(somebody, asked)).toMatchObject({ ok: false, error: { code: 403 } });
    const user = serviceAccountUser("shop", "bot", "");
    expect(impersonate(master, asked)).toMatchObject({ ok: true, value: { groups: user.groups } });
  });
});

test("anonymous requests are told what they may not do", () => {
  expect(new TestCore().anonymous("/api/v1/namespaces/default/services/kubernetes")).toMatchObject({
    status: 403,
    body: {
      message:
        'services "kubernetes" is forbidden: User "system:anonymous" cannot get resource "services" in API group "" in the namespace "default"',
    },
  });
});
