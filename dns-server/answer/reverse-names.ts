import type { ServiceKey } from "../../api/service-key.ts";
import { splitServiceKey } from "../../api/service-key.ts";
import { MESSAGE_BYTES_MAX, TYPE } from "../wire/dns-numbers.ts";
import { parseIpAddress } from "../zone/ip-address.ts";
import type { ServiceRecords } from "../zone/service-records.ts";
import type { ZoneConfig } from "../zone/zone-config.ts";
import type { ZoneSnapshot } from "../zone/zone-snapshot.ts";
import { compileAnswer } from "./compile-answer.ts";
import type { CompiledAnswer } from "./compiled-answer.ts";

/** Names of one address in an answer; an endpoint of more services than that has other worries. */
const NAMES_MAX = 16;

/** Which names an address has: clusterset IPs their service's, endpoints of headless services their own. */
export class ReverseNames {
  readonly #config: ZoneConfig;
  /** Names by address, by service. BOUNDED: by the addresses of the zone. */
  readonly #names = new Map<string, Map<ServiceKey, string>>();
  /** Addresses that a service has entries at. BOUNDED: as above. */
  readonly #addresses = new Map<ServiceKey, readonly string[]>();
  readonly #scratch = Buffer.allocUnsafeSlow(MESSAGE_BYTES_MAX);

  constructor(config: ZoneConfig) {
    this.#config = config;
  }

  /** Takes what `changed` services have in the zone now. */
  update(zone: ZoneSnapshot, changed: Iterable<ServiceKey>): void {
    for (const key of changed) {
      this.#forget(key);
      const { namespace, name } = splitServiceKey(key);
      const records = zone.namespaces.get(namespace);
      const service = records?.exists === true ? records.services.get(name) : undefined;
      if (service !== undefined) this.#learn(key, service);
    }
  }

  /** The answer to a PTR question about an address of the zone; undefined for every other name. */
  answer(labels: readonly string[]): CompiledAnswer | undefined {
    const address = addressOf(labels);
    const names = address === undefined ? undefined : this.#names.get(address);
    if (names === undefined) return undefined;
    const targets = [...new Set(names.values())].slice(0, NAMES_MAX);
    return compileAnswer(
      {
        name: labels.join("."),
        type: TYPE.PTR,
        records: {
          ttlSeconds: this.#config.ttlSeconds,
          data: targets.map((target) => ({ type: "PTR", target })),
        },
        addressesOf: () => [],
      },
      this.#scratch,
    );
  }

  #learn(key: ServiceKey, service: ServiceRecords): void {
    const { namespace, name } = splitServiceKey(key);
    const origin = `${name}.${namespace}.svc.${this.#config.zone}`;
    const entries = namedAddresses(service);
    for (const { address, relative } of entries) {
      const names = this.#names.get(address) ?? new Map<ServiceKey, string>();
      names.set(key, relative === "" ? origin : `${relative}.${origin}`);
      this.#names.set(address, names);
    }
    this.#addresses.set(
      key,
      entries.map(({ address }) => address),
    );
  }

  #forget(key: ServiceKey): void {
    for (const address of this.#addresses.get(key) ?? []) {
      const names = this.#names.get(address);
      names?.delete(key);
      if (names?.size === 0) this.#names.delete(address);
    }
    this.#addresses.delete(key);
  }
}

interface NamedAddress {
  readonly address: string;
  readonly relative: string;
}

/** A headless service's own name has its endpoints' addresses, which their own names tell better. */
function namedAddresses(service: ServiceRecords): readonly NamedAddress[] {
  const entries = [...service.names].flatMap(([relative, node]) =>
    [...(node.a ?? []), ...(node.aaaa ?? [])].map((address) => ({ address, relative })),
  );
  const ofEndpoints = entries.filter(({ relative }) => relative !== "");
  return ofEndpoints.length > 0 ? ofEndpoints : entries;
}

/** "4.3.2.1.in-addr.arpa" and 32 nibbles before "ip6.arpa" (RFC 1035, section 3.5; RFC 3596, section 2.5). */
function addressOf(labels: readonly string[]): string | undefined {
  const [zone, arpa] = labels.slice(-2);
  if (arpa !== "arpa") return undefined;
  const digits = labels.slice(0, -2).toReversed();
  if (zone === "in-addr" && digits.length === 4) {
    const canonical = digits.every((digit) => /^(0|[1-9]\d{0,2})$/.test(digit));
    return canonical ? parseIpAddress(digits.join("."))?.text : undefined;
  }
  if (zone !== "ip6" || digits.length !== 32) return undefined;
  if (!digits.every((digit) => /^[0-9a-f]$/.test(digit))) return undefined;
  const groups = Array.from({ length: 8 }, (_, group) =>
    digits.slice(group * 4, group * 4 + 4).join(""),
  );
  return parseIpAddress(groups.join(":"))?.text;
}
