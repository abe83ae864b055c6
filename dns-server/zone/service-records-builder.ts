import type { ServiceKey } from "../../api/service-key.ts";
import type { IpAddress } from "./ip-address.ts";
import type { NameNode, ServiceRecords, SrvRecord, SrvSet } from "./service-records.ts";

/** Longest name in text form: 255 bytes on the wire (DNS-45). */
const NAME_CHARS_MAX = 253;
/** Part of the traffic of an address that has no weight. */
const EVEN = 0;

/** Gathers the records of one service, without duplicates, and finishes them into an immutable value. */
export class ServiceRecordsBuilder {
  readonly #key: ServiceKey;
  readonly #origin: string;
  /** BOUNDED: by the endpoints and ports of the service's slices. */
  readonly #nodes = new Map<string, DraftNode>();
  readonly #problems = new Set<string>();
  #shareMax = 0;

  constructor(key: ServiceKey, origin: string) {
    this.#key = key;
    this.#origin = origin;
  }

  /** Makes the name exist; false when it would be too long to be a domain name. */
  addName(name: string): boolean {
    if (this.#nodes.has(name)) return true;
    const chars = this.#origin.length + (name === "" ? 0 : name.length + 1);
    if (chars > NAME_CHARS_MAX) {
      this.addProblem(
        `cannot serve name: must be at most ${NAME_CHARS_MAX} characters: got ${chars} for ${name}.${this.#origin}`,
      );
      return false;
    }
    this.#nodes.set(name, { srvCandidates: 0 });
    // The name one label up exists too, as an empty non-terminal (RFC 8020, DNS-43).
    const dot = name.indexOf(".");
    if (dot !== -1) this.addName(name.slice(dot + 1));
    return true;
  }

  /** `share` is the address's part of the traffic where clusters have weights; an address given twice keeps the first. */
  addAddress(name: string, address: IpAddress, share = EVEN): void {
    if (!this.addName(name)) return;
    const node = this.#nodes.get(name);
    if (node === undefined) return;
    const addresses =
      address.family === "IPv4" ? (node.a ??= new Map()) : (node.aaaa ??= new Map());
    if (!addresses.has(address.text)) addresses.set(address.text, share);
  }

  /** One SRV at the port's name and one at the bare name, each once per target and number (DNS-11, DNS-14, DNS-25). */
  addService(portName: string, record: SrvRecord, share?: number): void {
    if (share !== undefined) this.#shareMax = Math.max(this.#shareMax, share);
    for (const name of [portName, ""]) {
      if (!this.addName(name)) continue;
      const node = this.#nodes.get(name);
      if (node === undefined) continue;
      (node.srv ??= new Map()).set(`${record.port} ${record.target}`, { record, share });
      node.srvCandidates++;
    }
  }

  addProblem(problem: string): void {
    this.#problems.add(problem);
  }

  build(): { readonly records: ServiceRecords; readonly problems: readonly string[] } {
    const problems = [...this.#problems];
    // A ClusterSetIP without an address has no target to send clients to, yet its names exist (DNS-16).
    const bare = this.#nodes.get("");
    const isUnreachable = bare?.a === undefined && bare?.aaaa === undefined;
    const names = new Map<string, NameNode>();
    for (const [name, draft] of this.#nodes)
      names.set(name, finish(draft, isUnreachable, this.#shareMax));
    return { records: { key: this.#key, names }, problems };
  }
}

/** Collections are made when something goes in: most names have one address and nothing else. */
interface DraftNode {
  /** Addresses and their parts of the traffic. */
  a?: Map<string, number>;
  aaaa?: Map<string, number>;
  srv?: Map<string, { readonly record: SrvRecord; readonly share: number | undefined }>;
  srvCandidates: number;
}

function finish(draft: DraftNode, isUnreachable: boolean, shareMax: number): NameNode {
  const srv = isUnreachable ? undefined : srvSet(draft, shareMax);
  const aShares = sharesOf(draft.a);
  const aaaaShares = sharesOf(draft.aaaa);
  return {
    ...(draft.a === undefined ? {} : { a: [...draft.a.keys()] }),
    ...(draft.aaaa === undefined ? {} : { aaaa: [...draft.aaaa.keys()] }),
    ...(aShares === undefined ? {} : { aShares }),
    ...(aaaaShares === undefined ? {} : { aaaaShares }),
    ...(srv === undefined ? {} : { srv }),
  };
}

/** Priority and weight are free (DNS-11); the weight is CoreDNS's: a hundred shared by the records before they are deduplicated. */
function srvSet(draft: DraftNode, shareMax: number): SrvSet | undefined {
  if (draft.srv === undefined) return undefined;
  return {
    weight: Math.max(1, Math.floor(100 / draft.srvCandidates)),
    records: [...draft.srv.values()].map(({ record, share }) =>
      share === undefined ? record : { ...record, weight: srvWeight(share / shareMax) },
    ),
  };
}

/** The largest part weighs a thousand: small ones keep their proportion. */
function srvWeight(part: number): number {
  return Math.max(1, Math.round(part * 1000));
}

function sharesOf(addresses: ReadonlyMap<string, number> | undefined): number[] | undefined {
  const shares = [...(addresses?.values() ?? [])];
  return shares.every((share) => share === EVEN) ? undefined : shares;
}
