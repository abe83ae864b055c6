import * as fc from "fast-check";
import { expect, test } from "vitest";
import { REDACTED, redactObject, redactText } from "./redact.ts";

const KEY =
  "-----BEGIN PRIVATE KEY-----\nMIGHAgEAMBMGByqGSM49\nAgEGCCqG\n-----END PRIVATE KEY-----";
const JWT = "eyJhbGciOiJSUzI1NiIsImtpZCI6IngifQ.eyJpc3MiOiJrdWJlcm5ldGVzIn0.c2lnbmF0dXJl";

test.each([
  [KEY, "MIGHAgEAMBMGByqGSM49"],
  [KEY.replaceAll("PRIVATE", "EC PRIVATE"), "MIGHAgEAMBMGByqGSM49"],
  // A log that was cut in the middle of a key.
  [KEY.slice(0, 60), "MIGHAgEAMBMGByqGSM49"],
  [JSON.stringify({ key: KEY }), "MIGHAgEAMBMGByqGSM49"],
  ["joining with isthmus-join.east.abc_DEF-123.pin.hub.example.com:8443", "abc_DEF-123"],
  [`Authorization: Bearer ${JWT}`, "c2lnbmF0dXJl"],
  [`token is ${JWT} now`, "c2lnbmF0dXJl"],
  ['{"password":"hunter22","a":1}', "hunter22"],
  ["password=hunter22 user=a", "hunter22"],
])("no trace of the secret in %j", (text, secret) => {
  expect(text).toContain(secret);
  expect(redactText(text)).not.toContain(secret);
  expect(redactText(text)).toContain(REDACTED);
});

test("law: wherever a key stands, nothing of it is left and all around it is", () => {
  const around = fc.stringMatching(/^[ x]{0,20}$/);
  fc.assert(
    fc.property(around, around, (before, after) => {
      expect(redactText(`${before}\n${KEY}\n${after}`)).toBe(`${before}\n${REDACTED}\n${after}`);
    }),
  );
});

test("of a Secret the names of its keys stay", () => {
  const secret = {
    kind: "Secret",
    metadata: {
      name: "isthmus-identity",
      managedFields: [{ manager: "x" }],
      annotations: { "kubectl.kubernetes.io/last-applied-configuration": '{"data":{"a":"c2Vj"}}' },
    },
    data: { "member-identity.json": "c2VjcmV0LWtleQ==" },
    stringData: { more: "plain" },
  };
  expect(redactObject(secret)).toEqual({
    kind: "Secret",
    metadata: {
      name: "isthmus-identity",
      annotations: { "kubectl.kubernetes.io/last-applied-configuration": REDACTED },
    },
    data: { "member-identity.json": REDACTED },
    stringData: { more: REDACTED },
  });
});

test("variables and fields by name, references stay", () => {
  const pod = {
    kind: "Pod",
    spec: {
      volumes: [{ name: "join", secret: { secretName: "isthmus-join" } }],
      containers: [
        {
          env: [
            { name: "DB_PASSWORD", value: "x1" },
            { name: "MODE", value: "y" },
          ],
        },
      ],
      apiToken: "z9",
    },
  };
  expect(redactObject(pod)).toEqual({
    kind: "Pod",
    spec: {
      volumes: [{ name: "join", secret: { secretName: "isthmus-join" } }],
      containers: [
        {
          env: [
            { name: "DB_PASSWORD", value: REDACTED },
            { name: "MODE", value: "y" },
          ],
        },
      ],
      apiToken: REDACTED,
    },
  });
});
