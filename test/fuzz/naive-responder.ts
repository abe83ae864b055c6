import { isIPv4, isIPv6 } from "node:net";
import { type Answer, decode, encode, type Packet } from "dns-packet";
import type { EndpointSlice } from "../../api/kube/endpoint-slice.ts";
import { LABEL_SERVICE_NAME, LABEL_SOURCE_CLUSTER } from "../../api/mcs/labels.ts";
import type { ServiceImport } from "../../api/mcs/service-import.ts";
import type { RandomClusterset } from "./random-clusterset.ts";

// The multicluster DNS specification once more, as plainly as it can be said: every record of the zone in one list, every answer
// a search through it, messages by dns-packet. Shares nothing with the server but the settings' defaults.

const ZONE = "clusterset.local";
const TTL = 5;
const LABEL = /^[a-z0-9]([a-z0-9-]*[a-z0-9])?$/;

type Data = Exclude<Answer, { type: "OPT" }> & { readonly name: string };

export class NaiveResponder {
  readonly #records: Data[] = [];
  readonly #names = new Set<string>();

  constructor({ imports, slices, namespaces }: RandomClusterset, serial: number) {
    this.#add({ name: ZONE, type: "SOA", ttl: TTL, data: soaData(serial) });
    this.#add({ name: ZONE, type: "NS", ttl: TTL, data: `ns.dns.${ZONE}` });
    this.#add({ name: `dns-version.${ZONE}`, type: "TXT", ttl: 28_800, data: "1.0.0" });
    this.#exists(`ns.dns.${ZONE}`);
    this.#exists(`svc.${ZONE}`);
    for (const namespace of namespaces) this.#exists(`${namespace}.svc.${ZONE}`);
    for (const one of imports) {
      const { namespace = "", name } = one.metadata;
      if (!namespaces.includes(namespace)) continue;
      const origin = `${name}.${namespace}.svc.${ZONE}`;
      const own = slices.filter(
        ({ metadata }) =>
          metadata.namespace === namespace && metadata.labels?.[LABEL_SERVICE_NAME] === name,
      );
      if (one.spec.type === "Headless") this.#addHeadless(origin, own);
      else this.#addClusterSetIp(origin, one);
    }
  }

  /** Every name of the zone. */
  get names(): readonly string[] {
    return [...this.#names];
  }

  respond(packet: Buffer): Buffer {
    const query = decode(packet);
    const [question] = query.questions ?? [];
    if (question === undefined) throw new Error("the question is there");
    const name = question.name.toLowerCase();
    const base: Packet = { type: "response", id: query.id ?? 0, questions: [question] };
    const rd = query.flags ?? 0;
    if (name !== ZONE && !name.endsWith(`.${ZONE}`)) {
      return encode({ ...base, flags: (rd & 0x100) | 5 });
    }
    const flags = (rd & 0x100) | 0x400;
    const answers = this.#find(name, question.type);
    if (answers.length > 0) {
      const additionals = answers.flatMap((answer) =>
        answer.type === "SRV" ? this.#addressesOf(answer.data.target) : [],
      );
      const asAsked = answers.map((answer) => ({ ...answer, name: question.name }));
      return encode({ ...base, flags, answers: asAsked, additionals: unique(additionals) });
    }
    const soa = this.#records.filter(({ type }) => type === "SOA");
    return encode({ ...base, flags: flags | (this.#names.has(name) ? 0 : 3), authorities: soa });
  }

  #find(name: string, type: string): Data[] {
    const here = this.#records.filter((record) => record.name === name);
    if (type !== "ANY") return here.filter((record) => record.type === type);
    const first = ["SOA", "TXT", "A", "AAAA", "SRV"].find((one) =>
      here.some((r) => r.type === one),
    );
    return here.filter((record) => record.type === first);
  }

  #addressesOf(target: string): Data[] {
    return this.#records.filter(
      ({ name, type }) => name === target && (type === "A" || type === "AAAA"),
    );
  }

  #addClusterSetIp(origin: string, { spec }: ServiceImport): void {
    this.#exists(origin);
    const addresses = (spec.ips ?? []).filter(isAddress);
    for (const address of addresses) this.#addAddress(origin, address);
    const services = (spec.ports ?? []).map(({ name, protocol, port }) => {
      return { name, protocol, port, target: origin };
    });
    this.#addServices(origin, services, addresses.length > 0);
  }

  #addHeadless(origin: string, slices: readonly EndpointSlice[]): void {
    const services: Service[] = [];
    for (const { metadata, addressType, endpoints, ports } of slices) {
      const cluster = metadata.labels?.[LABEL_SOURCE_CLUSTER] ?? "";
      if (!LABEL.test(cluster)) continue;
      for (const endpoint of endpoints ?? []) {
        const address = endpoint.addresses[0] ?? "";
        const isRightFamily = addressType === "IPv4" ? isIPv4(address) : isIPv6(address);
        if (endpoint.conditions?.ready === false || !isRightFamily) continue;
        const hostname = endpoint.hostname?.toLowerCase() ?? "";
        const label = LABEL.test(hostname) ? hostname : dashed(address);
        const target = `${label}.${cluster}.${origin}`;
        this.#addAddress(origin, address);
        this.#addAddress(target, address);
        for (const { name, protocol = "TCP", port = 0 } of ports ?? []) {
          services.push({ name, protocol, port, target });
        }
      }
    }
    this.#addServices(origin, services, true);
  }

  /** Records of one name share a hundred by how many there were before equal ones fell together. */
  #addServices(origin: string, services: readonly Service[], isReachable: boolean): void {
    const named = services.filter(({ name = "" }) => LABEL.test(name.toLowerCase()));
    const ownerOf = ({ name = "", protocol }: Service): string =>
      `_${name.toLowerCase()}._${protocol.toLowerCase()}.${origin}`;
    for (const service of named) this.#exists(ownerOf(service));
    if (!isReachable) return;
    for (const owner of [origin, ...new Set(named.map(ownerOf))]) {
      const here = named.filter((service) => owner === origin || ownerOf(service) === owner);
      const weight = Math.max(1, Math.floor(100 / here.length));
      for (const { port, target } of here) {
        this.#add({
          name: owner,
          type: "SRV",
          ttl: TTL,
          data: { priority: 0, weight, port, target },
        });
      }
    }
  }

  #addAddress(name: string, address: string): void {
    const text = canonical(address);
    if (isIPv4(text)) this.#add({ name, type: "A", ttl: TTL, data: text });
    else this.#add({ name, type: "AAAA", ttl: TTL, data: text });
  }

  #add(record: Data): void {
    this.#exists(record.name);
    const text = JSON.stringify(record);
    if (!this.#records.some((known) => JSON.stringify(known) === text)) this.#records.push(record);
  }

  /** And so do all names above it (RFC 8020). */
  #exists(name: string): void {
    for (let rest = name; rest.endsWith(ZONE); rest = rest.slice(rest.indexOf(".") + 1)) {
      this.#names.add(rest);
    }
  }
}

interface Service {
  readonly name?: string | undefined;
  readonly protocol: string;
  readonly port: number;
  readonly target: string;
}

function soaData(serial: number): Extract<Answer, { type: "SOA" }>["data"] {
  const times = { refresh: 7200, retry: 1800, expire: 86_400, minimum: TTL };
  return { mname: `ns.dns.${ZONE}`, rname: `hostmaster.${ZONE}`, serial, ...times };
}

function isAddress(text: string): boolean {
  return isIPv4(text) || isIPv6(text);
}

/** As dns-packet reads it back. */
function canonical(address: string): string {
  if (isIPv4(address)) return address;
  const packet = encode({ answers: [{ type: "AAAA", name: ".", data: address }] });
  const [answer] = decode(packet).answers ?? [];
  if (answer?.type !== "AAAA") throw new Error(`an IPv6 address: ${address}`);
  return answer.data;
}

function dashed(address: string): string {
  const text = canonical(address).replaceAll(/[.:]/g, "-");
  return `${text.startsWith("-") ? "0" : ""}${text}${text.endsWith("-") ? "0" : ""}`;
}

function unique(records: readonly Data[]): Data[] {
  return [...new Map(records.map((record) => [JSON.stringify(record), record])).values()];
}
