import { expect, test } from "vitest";
import { NEARBY, parseAnswerOptions } from "../../dns-server/server-options.ts";
import { readSettings } from "../../runtime/config/settings.ts";
import { answerOptions, dnsSettings } from "./dns-settings.ts";

function optionsOf(flags: Readonly<Record<string, unknown>>) {
  const settings = readSettings(dnsSettings, { flags, file: undefined });
  if (!settings.ok) throw new Error(settings.error);
  return answerOptions(settings.value);
}

test("by default everything that is optional is off", () => {
  const options = optionsOf({});
  expect(options).toEqual({
    zone: "clusterset.local",
    ttlSeconds: 5,
    negativeTtlSeconds: 5,
    udpPayloadBytes: 1232,
    nsAddresses: [],
    cookieSecrets: [],
    rateLimitExempt: [],
    answersReverse: false,
    forward: [],
    forwardAllow: NEARBY,
    forwardTimeoutMs: 1500,
    forwardCacheSeconds: 3600,
    forwardStaleSeconds: 0,
  });
  expect(parseAnswerOptions(options)).toMatchObject({
    ok: true,
    value: { answersReverse: false, endpoints: {} },
  });
});

test.each([
  { flags: { rateLimit: "100" }, want: { rateLimit: 100 } },
  { flags: { headlessMax: "20" }, want: { headlessEndpointsMax: 20 } },
  { flags: { allow: ["10.0.0.0/8"] }, want: { allow: ["10.0.0.0/8"] } },
  { flags: { nsid: "pod-1" }, want: { nsid: "pod-1" } },
  { flags: { exportAnnotations: true }, want: { balancing: {} } },
  {
    flags: { exportAnnotations: true, clusterId: "east" },
    want: { balancing: { localCluster: "east" } },
  },
  { flags: { ptr: true }, want: { answersReverse: true } },
  { flags: { forwardTimeout: "2s" }, want: { forwardTimeoutMs: 2000 } },
  { flags: { forwardCache: "0" }, want: { forwardCacheSeconds: 0 } },
  { flags: { forwardStale: "86400" }, want: { forwardStaleSeconds: 86_400 } },
])("$flags", ({ flags, want }) => {
  expect(optionsOf(flags)).toMatchObject(want);
});

test("a cluster id alone turns nothing on", () => {
  expect(optionsOf({ clusterId: "east" })).not.toHaveProperty("balancing");
});
