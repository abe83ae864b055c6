import { isIP } from "node:net";
import { parseDnsLabel } from "../../api/dns-label.ts";
import { err, ok, type Result } from "../../api/result.ts";

/** Settings of the zone itself, checked. Names are lower case without a final dot. */
export interface ZoneConfig {
  readonly zone: string;
  readonly ttlSeconds: number;
  readonly negativeTtlSeconds: number;
  readonly nsName: string;
  readonly nsAddresses: readonly string[];
}

export interface ZoneSettings {
  readonly zone?: string;
  readonly ttlSeconds?: number;
  readonly negativeTtlSeconds?: number;
  readonly nsName?: string;
  readonly nsAddresses?: readonly string[];
}

const TTL_SECONDS = { default: 5, max: 3600 } as const;
/** Leaves room for `<service>.<namespace>.svc.` of full labels. */
const ZONE_CHARS_MAX = 120;
/** A negative answer to the longest question, with this name in its SOA and all options, fits 512 bytes. */
const NS_CHARS_MAX = 63;

export function parseZoneConfig(settings: ZoneSettings): Result<ZoneConfig, string> {
  const zone = parseName("dns zone", settings.zone ?? "clusterset.local");
  if (!zone.ok) return zone;
  if (zone.value.length > ZONE_CHARS_MAX) {
    return err(
      `cannot parse dns zone: must be at most ${ZONE_CHARS_MAX} characters: got ${zone.value.length}`,
    );
  }
  const ttl = parseTtl("ttl", settings.ttlSeconds ?? TTL_SECONDS.default);
  if (!ttl.ok) return ttl;
  const negativeTtl = parseTtl("negative ttl", settings.negativeTtlSeconds ?? ttl.value);
  if (!negativeTtl.ok) return negativeTtl;
  const nsName = parseName("name server", settings.nsName ?? `ns.dns.${zone.value}`);
  if (!nsName.ok) return nsName;
  const taken = ["svc", "dns-version", "hostmaster"].find((label) =>
    `.${nsName.value}`.endsWith(`.${label}.${zone.value}`),
  );
  if (!nsName.value.endsWith(`.${zone.value}`) || taken !== undefined) {
    return err(
      `cannot parse name server: must be a name inside ${zone.value} that is not taken: got ${nsName.value}`,
    );
  }
  if (nsName.value.length > zone.value.length + 1 + NS_CHARS_MAX) {
    return err(
      `cannot parse name server: must be at most ${NS_CHARS_MAX} characters before the zone: got ${nsName.value}`,
    );
  }
  const nsAddresses = settings.nsAddresses ?? [];
  const wrong = nsAddresses.find((address) => isIP(address) === 0 || address.includes("%"));
  if (wrong !== undefined) {
    return err(`cannot parse name server address: must be an IP address: got ${wrong}`);
  }
  return ok({
    zone: zone.value,
    ttlSeconds: ttl.value,
    negativeTtlSeconds: negativeTtl.value,
    nsName: nsName.value,
    nsAddresses,
  });
}

function parseName(what: string, text: string): Result<string, string> {
  const name = text.toLowerCase().replace(/\.$/, "");
  for (const label of name.split(".")) {
    const parsed = parseDnsLabel(`label of ${what} ${JSON.stringify(text)}`, label);
    if (!parsed.ok) return parsed;
  }
  return ok(name);
}

function parseTtl(what: string, seconds: number): Result<number, string> {
  if (Number.isInteger(seconds) && seconds >= 0 && seconds <= TTL_SECONDS.max) return ok(seconds);
  return err(
    `cannot parse ${what}: must be a whole number of seconds from 0 to ${TTL_SECONDS.max}: got ${seconds}`,
  );
}
