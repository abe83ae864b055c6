import type { ServiceKey } from "../../api/service-key.ts";
import {
  HEADER_BYTES,
  MESSAGE_BYTES_MAX,
  NAME_BYTES_MAX,
  RCODE,
  TYPE,
  UDP_BYTES_WITHOUT_EDNS,
} from "../wire/dns-numbers.ts";
import type { RecordData } from "../wire/message-writer.ts";
import { emptyQuery, parseQuery, type Query } from "../wire/parse-query.ts";
import { type AbsenceReason, findName, type NameLookup } from "../zone/find-name.ts";
import type { NameNode, ServiceRecords } from "../zone/service-records.ts";
import { staticNames } from "../zone/static-names.ts";
import type { ZoneConfig } from "../zone/zone-config.ts";
import type { ZoneSnapshot } from "../zone/zone-snapshot.ts";
import { AnswerCache, type AnswerCacheLimits, type CachedAnswer } from "./answer-cache.ts";
import { compileAnswer, isCacheable } from "./compile-answer.ts";
import { EdnsOptions, type EdnsSettings } from "./edns-options.ts";
import { ABSENCE_ERRORS, EXTENDED_ERRORS, type ExtendedError } from "./extended-errors.ts";
import { compileNegativeSoa, type NegativeSoa } from "./negative-answer.ts";
import { findZone, labelsBefore, lowerName, toWireName } from "./question-name.ts";
import { type RecordContext, selectRecords } from "./select-records.ts";
import {
  type ResponseFrame,
  roomForOptions,
  writeAnswer,
  writeError,
  writeHeaderError,
  writeNegative,
  writeOptOnly,
} from "./write-response.ts";

export type Transport = "udp" | "tcp";

/** Who sent a packet. */
export interface Client {
  readonly address: string;
}

export interface ResponderOptions {
  readonly config: ZoneConfig;
  /** Largest UDP answer, also the size offered in OPT. */
  readonly udpPayloadBytes: number;
  readonly edns: EdnsSettings;
  readonly cacheLimits?: AnswerCacheLimits;
}

/** Told about every packet that was answered, with the extended response code. */
export type AnswerObserver = (type: number, rcode: number, transport: Transport) => void;

/**
 * Packet in, packet out, without IO. Holds the current zone and the answers compiled from it; a question that was
 * answered before costs one lookup and a copy.
 */
export class Responder {
  readonly #config: ZoneConfig;
  readonly #udpPayloadBytes: number;
  readonly #observe: AnswerObserver;
  readonly #statics: ReadonlyMap<string, NameNode>;
  readonly #zoneName: Buffer;
  readonly #soa: NegativeSoa;
  readonly #cache: AnswerCache;
  readonly #options: EdnsOptions;
  readonly #query: Query = emptyQuery();
  /** The question in lower case: name, then type. */
  readonly #question = Buffer.alloc(NAME_BYTES_MAX + 2);
  readonly #scratch = Buffer.allocUnsafeSlow(MESSAGE_BYTES_MAX);
  #zone: ZoneSnapshot | undefined;
  #turn = 0;

  constructor(options: ResponderOptions, observe: AnswerObserver) {
    this.#config = options.config;
    this.#udpPayloadBytes = options.udpPayloadBytes;
    this.#observe = observe;
    this.#statics = staticNames(options.config);
    this.#zoneName = toWireName(options.config.zone);
    this.#soa = compileNegativeSoa(options.config);
    this.#cache = new AnswerCache(options.cacheLimits);
    this.#options = new EdnsOptions(options.edns);
  }

  get cacheSize(): number {
    return this.#cache.size;
  }

  /** Swaps the zone; `changed` names the services whose records differ from the zone before. */
  setZone(zone: ZoneSnapshot, changed: Iterable<ServiceKey>): void {
    this.#zone = zone;
    for (const key of changed) this.#cache.invalidate(key);
  }

  /**
   * Writes the response to the first `length` bytes of `packet` into `into`, which holds `udpPayloadBytes`, or
   * MESSAGE_BYTES_MAX for TCP, and is not the packet's own memory.
   * @returns the response's bytes; 0 when there must be none
   */
  respond(
    packet: Buffer,
    length: number,
    transport: Transport,
    into: Buffer,
    client: Client,
  ): number {
    const query = this.#query;
    const verdict = parseQuery(packet, length, query);
    if (verdict === "drop") return 0;
    if (verdict === "malformed") return this.#headerError(RCODE.FORMERR, transport, into);
    if (verdict === "unsupported-opcode") return this.#headerError(RCODE.NOTIMP, transport, into);
    const frame: ResponseFrame = {
      packet,
      query,
      into,
      bytesMax: this.#bytesMax(transport),
      ednsBytes: this.#udpPayloadBytes,
      options: this.#options,
    };
    if (query.options === 0) this.#options.clear();
    else this.#options.prepare(packet, query, client.address, transport);
    if (verdict === "cookie-only") {
      this.#observe(0, RCODE.NOERROR, transport);
      return writeOptOnly(frame);
    }
    if (verdict === "unsupported-edns-version") return this.#error(frame, RCODE.BADVERS, transport);
    if (verdict === "wrong-class") return this.#error(frame, RCODE.REFUSED, transport);
    return this.#answer(frame, transport);
  }

  #answer(frame: ResponseFrame, transport: Transport): number {
    const { packet, query } = frame;
    const nameBytes = query.nameEnd - HEADER_BYTES;
    lowerName(packet, HEADER_BYTES, query.nameEnd, this.#question);
    const zoneAt = findZone(this.#question, nameBytes, this.#zoneName);
    if (zoneAt === -1) {
      return this.#error(frame, RCODE.REFUSED, transport, EXTENDED_ERRORS.notInZone);
    }
    // Zone transfers are refused (DNS-48).
    if (query.type === TYPE.AXFR || query.type === TYPE.IXFR) {
      return this.#error(frame, RCODE.REFUSED, transport, EXTENDED_ERRORS.noTransfer);
    }
    const zone = this.#zone;
    if (zone === undefined) {
      return this.#error(frame, RCODE.SERVFAIL, transport, EXTENDED_ERRORS.notSynced);
    }
    this.#question.writeUInt16BE(query.type, nameBytes);
    const key = this.#question.toString("latin1", 0, nameBytes + 2);
    const found = this.#cache.get(key) ?? this.#resolve(zone, zoneAt, key);
    const rcode = found.isAbsent === true ? RCODE.NXDOMAIN : RCODE.NOERROR;
    this.#observe(query.type, rcode, transport);
    if (found.answer !== undefined) {
      return writeAnswer(frame, found.answer, zone.serial, this.#turn++);
    }
    if (found.error !== undefined && query.hasEdns) {
      this.#options.explain(
        found.error,
        roomForOptions(frame, query.nameEnd + 4 + this.#soa.bytes.length),
      );
    }
    return writeNegative(frame, rcode, this.#soa, { serial: zone.serial, at: zoneAt });
  }

  /** Looks the name up and compiles; NXDOMAIN is not kept: its names are without number. */
  #resolve(zone: ZoneSnapshot, zoneAt: number, key: string): CachedAnswer {
    const labels = labelsBefore(this.#question, zoneAt);
    if (labels === undefined) return ABSENT["unknown-name"];
    const found = findName(zone, this.#statics, labels);
    if (found.kind === "nxdomain") return ABSENT[found.reason];
    const { type } = this.#query;
    const cached = this.#compile(zone, found, labels, type);
    if (isCacheable(type)) this.#cache.set(key, cached);
    return cached;
  }

  #compile(
    zone: ZoneSnapshot,
    found: Exclude<NameLookup, { kind: "nxdomain" }>,
    labels: readonly string[],
    type: number,
  ): CachedAnswer {
    const isService = found.kind === "service";
    const origin = [...(isService ? labels.slice(-3) : []), this.#config.zone].join(".");
    const context: RecordContext = { config: this.#config, serial: zone.serial, origin };
    const records = selectRecords(found.node, type, context);
    const owner = isService ? { service: found.service.key } : {};
    if (records === undefined) {
      const isWaiting = isService && !hasAddress(found.service);
      return isWaiting ? { ...owner, error: EXTENDED_ERRORS.noAddress } : owner;
    }
    const names = isService ? found.service.names : this.#statics;
    const input = {
      name: [...labels, this.#config.zone].join("."),
      type,
      records,
      addressesOf: (target: string) => addressesOf(names, target, context),
    };
    const answer = compileAnswer(input, this.#scratch);
    return { answer, ...owner };
  }

  #bytesMax(transport: Transport): number {
    if (transport === "tcp") return MESSAGE_BYTES_MAX;
    const { hasEdns, udpPayloadBytes } = this.#query;
    if (!hasEdns) return UDP_BYTES_WITHOUT_EDNS;
    // "Values lower than 512 MUST be treated as equal to 512" (RFC 6891, section 6.2.3).
    return Math.min(this.#udpPayloadBytes, Math.max(UDP_BYTES_WITHOUT_EDNS, udpPayloadBytes));
  }

  #error(frame: ResponseFrame, rcode: number, transport: Transport, why?: ExtendedError): number {
    this.#observe(frame.query.type, rcode, transport);
    if (why !== undefined && frame.query.hasEdns) {
      this.#options.explain(why, roomForOptions(frame, frame.query.nameEnd + 4));
    }
    return writeError(frame, rcode);
  }

  #headerError(rcode: number, transport: Transport, into: Buffer): number {
    this.#observe(0, rcode, transport);
    return writeHeaderError(this.#query, rcode, into);
  }
}

/** One value per reason: floods of names that do not exist make no garbage here. */
const ABSENT: Readonly<Record<AbsenceReason, CachedAnswer>> = {
  "unknown-name": absent("unknown-name"),
  "unknown-namespace": absent("unknown-namespace"),
  "unknown-service": absent("unknown-service"),
  "no-ready-endpoint": absent("no-ready-endpoint"),
  "unknown-part": absent("unknown-part"),
};

function absent(reason: AbsenceReason): CachedAnswer {
  return { isAbsent: true, error: ABSENCE_ERRORS[reason] };
}

/** A ClusterSetIP import that has its address; every other service has one by itself. */
function hasAddress(service: ServiceRecords): boolean {
  const bare = service.names.get("");
  return bare?.a !== undefined || bare?.aaaa !== undefined;
}

function addressesOf(
  names: ReadonlyMap<string, NameNode>,
  target: string,
  context: RecordContext,
): readonly RecordData[] {
  const relative = target === context.origin ? "" : target.slice(0, -context.origin.length - 1);
  const node = names.get(relative);
  if (node === undefined) return [];
  return [TYPE.A, TYPE.AAAA].flatMap((type) => selectRecords(node, type, context)?.data ?? []);
}
