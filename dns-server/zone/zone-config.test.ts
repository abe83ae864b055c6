import { expect, test } from "vitest";
import { err, ok } from "../../api/result.ts";
import { staticNames } from "./static-names.ts";
import { parseZoneConfig, type ZoneSettings } from "./zone-config.ts";

test("DNS-01, DNS-05: the defaults", () => {
  expect(parseZoneConfig({})).toEqual(
    ok({
      zone: "clusterset.local",
      ttlSeconds: 5,
      negativeTtlSeconds: 5,
      nsName: "ns.dns.clusterset.local",
      nsAddresses: [],
    }),
  );
});

test("names are taken in any case, with or without the final dot; the negative TTL follows the TTL", () => {
  expect(parseZoneConfig({ zone: "Global.Example.", ttlSeconds: 30 })).toMatchObject({
    value: { zone: "global.example", nsName: "ns.dns.global.example", negativeTtlSeconds: 30 },
  });
});

const WRONG: readonly { settings: ZoneSettings; problem: string }[] = [
  { settings: { zone: "" }, problem: "must be a lower-case RFC 1123 DNS label" },
  { settings: { zone: "a..b" }, problem: 'label of dns zone "a..b"' },
  { settings: { zone: "a_b.local" }, problem: "must be a lower-case RFC 1123 DNS label" },
  {
    settings: { zone: `${"a".repeat(60)}.${"b".repeat(61)}` },
    problem: "must be at most 120 characters: got 122",
  },
  {
    settings: { ttlSeconds: -1 },
    problem: "cannot parse ttl: must be a whole number of seconds from 0 to 3600: got -1",
  },
  { settings: { ttlSeconds: 3601 }, problem: "got 3601" },
  { settings: { ttlSeconds: 1.5 }, problem: "got 1.5" },
  { settings: { negativeTtlSeconds: Number.NaN }, problem: "cannot parse negative ttl" },
  { settings: { nsName: "ns.example.com" }, problem: "must be a name inside clusterset.local" },
  { settings: { nsName: "clusterset.local" }, problem: "must be a name inside clusterset.local" },
  { settings: { nsName: "ns.svc.clusterset.local" }, problem: "not taken" },
  { settings: { nsName: "hostmaster.clusterset.local" }, problem: "not taken" },
  {
    settings: { nsName: `${"n".repeat(32)}.${"s".repeat(32)}.clusterset.local` },
    problem: "must be at most 63 characters before the zone",
  },
  { settings: { nsAddresses: ["10.0.0.1", "ns"] }, problem: "must be an IP address: got ns" },
];

test.each(WRONG)("$settings is refused: $problem", ({ settings, problem }) => {
  expect(parseZoneConfig(settings)).toEqual(err(expect.stringContaining(problem)));
});

test("the name server has its addresses, and the names above it exist", () => {
  const config = parseZoneConfig({
    nsName: "a.b.c.clusterset.local",
    nsAddresses: ["10.0.0.1", "fd00::1"],
  });
  if (!config.ok) throw new Error(config.error);
  const names = staticNames(config.value);
  expect(names.get("a.b.c")).toEqual({ a: ["10.0.0.1"], aaaa: ["fd00::1"] });
  expect([names.get("b.c"), names.get("c")]).toEqual([{}, {}]);
});
