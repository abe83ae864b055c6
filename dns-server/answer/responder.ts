import type { ServiceKey } from "../../api/service-key.ts";
import type { AccessList } from "../guard/access-list.ts";
import type { RateVerdict } from "../guard/rate-limiter.ts";
import {
  FLAG,
  MESSAGE_BYTES_MAX,
  RCODE,
  TYPE,
  UDP_BYTES_WITHOUT_EDNS,
} from "../wire/dns-numbers.ts";
import { ASKS, emptyQuery, parseQuery, type Query } from "../wire/parse-query.ts";
import type { AheadOfZone } from "../zone/ahead-of-zone.ts";
import type { ZoneConfig } from "../zone/zone-config.ts";
import type { ZoneSnapshot } from "../zone/zone-snapshot.ts";
import type { AnswerCacheLimits, CachedAnswer } from "./answer-cache.ts";
import { type Client, NOTHING_NOW, type Transport } from "./client.ts";
import { EdnsOptions, type EdnsSettings } from "./edns-options.ts";
import { EXTENDED_ERRORS, type ExtendedError } from "./extended-errors.ts";
import { compileNegativeSoa, type NegativeSoa } from "./negative-answer.ts";
import { type Forward, OutsideZone } from "./outside-zone.ts";
import { Question } from "./question.ts";
import { findZone, labelsBefore, toWireName } from "./question-name.ts";
import {
  type ResponseFrame,
  roomForOptions,
  writeAnswer,
  writeError,
  writeHeaderError,
  writeNegative,
  writeOptOnly,
} from "./write-response.ts";
import { ZoneAnswers } from "./zone-answers.ts";

export interface ResponderOptions {
  readonly config: ZoneConfig;
  /** Largest UDP answer, also the size offered in OPT. */
  readonly udpPayloadBytes: number;
  readonly edns: EdnsSettings;
  readonly cacheLimits?: AnswerCacheLimits;
  /** What is known before the zone has it. @default nothing is */
  readonly ahead?: AheadOfZone;
  /** Who may ask. @default everybody */
  readonly access?: AccessList;
  /** Judges each UDP response to a client that has not proven its address. @default no limit */
  readonly limitRate?: (address: string) => RateVerdict;
  /** Whether names of a namespace are not there for a client. @default they are there for all */
  readonly hides?: (address: string, namespace: string) => boolean;
  /** Answers PTR questions about addresses of the zone. @default false */
  readonly answersReverse?: boolean;
  /** Answers questions about other zones. @default they are refused */
  readonly forward?: Forward;
  /** Whose questions are. @default everybody's */
  readonly forwardAccess?: AccessList;
}

/** As if it were not there. */
const OUTSIDE_SLICE: CachedAnswer = { isAbsent: true, error: EXTENDED_ERRORS.outsideSlice };

/** Told about every packet that was answered, with the extended response code. */
export type AnswerObserver = (type: number, rcode: number, transport: Transport) => void;

/**
 * Packet in, packet out, without IO. A question that was answered before costs one lookup and a copy.
 */
export class Responder {
  readonly #settings: ResponderOptions;
  readonly #observe: AnswerObserver;
  readonly #zoneName: Buffer;
  readonly #soa: NegativeSoa;
  readonly #answers: ZoneAnswers;
  readonly #options: EdnsOptions;
  readonly #outside: OutsideZone;
  readonly #headerFlags: number;
  readonly #isGuarded: boolean;
  readonly #query: Query = emptyQuery();
  readonly #question = new Question();
  #turn = 0;

  constructor(options: ResponderOptions, observe: AnswerObserver) {
    this.#settings = options;
    this.#observe = observe;
    this.#zoneName = toWireName(options.config.zone);
    this.#soa = compileNegativeSoa(options.config);
    this.#answers = new ZoneAnswers(options.config, options.cacheLimits, options.ahead);
    this.#options = new EdnsOptions(options.edns);
    const { config, answersReverse = false, forward, forwardAccess } = options;
    this.#outside = new OutsideZone({ config, answersReverse, forward, forwardAccess }, observe);
    // RA: clients may ask for anything.
    this.#headerFlags = forward === undefined ? 0 : FLAG.RA;
    this.#isGuarded = options.access !== undefined || options.limitRate !== undefined;
  }

  get cacheSize(): number {
    return this.#answers.cacheSize;
  }

  /** Swaps the zone; `changed` names the services whose records differ from the zone before. */
  setZone(zone: ZoneSnapshot, changed: Iterable<ServiceKey>): void {
    this.#answers.setZone(zone, changed);
    this.#outside.setZone(zone, changed);
  }

  /**
   * Writes the response to the first `length` bytes of `packet` into `into`, which holds `udpPayloadBytes`, or
   * MESSAGE_BYTES_MAX for TCP, and is not the packet's own memory.
   * @returns the response's bytes; 0 when there must be none; NOTHING_NOW
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
      ednsBytes: this.#settings.udpPayloadBytes,
      options: this.#options,
      transport,
      client,
      headerFlags: this.#headerFlags,
    };
    if (query.options === 0) this.#options.clear();
    else this.#options.prepare(packet, query, client.address, transport);
    if (this.#isGuarded) {
      const guarded = this.#guard(frame);
      if (guarded !== undefined) return guarded;
    }
    if (verdict === "cookie-only") {
      this.#observe(0, RCODE.NOERROR, transport);
      return writeOptOnly(frame, RCODE.NOERROR);
    }
    if (verdict === "unsupported-edns-version") return this.#error(frame, RCODE.BADVERS);
    if (verdict === "wrong-class") {
      return this.#error(frame, RCODE.REFUSED, EXTENDED_ERRORS.wrongClass);
    }
    return this.#answer(frame);
  }

  /** Undefined when the packet may be answered. */
  #guard(frame: ResponseFrame): number | undefined {
    const { access, limitRate } = this.#settings;
    const { query, client, transport } = frame;
    if (access !== undefined && !access.holds(client.address)) {
      return this.#error(frame, RCODE.REFUSED, EXTENDED_ERRORS.prohibited);
    }
    // A TCP client and one with a good cookie are where they say.
    if (limitRate === undefined || transport === "tcp" || this.#options.isProven) return undefined;
    const verdict = limitRate(client.address);
    if (verdict === "pass") return undefined;
    if (verdict === "drop") return NOTHING_NOW;
    // "BADCOOKIE ... with a newly generated server cookie" (RFC 7873, section 5.2.3); others may come again by TCP.
    const hasCookie = (query.options & ASKS.cookie) !== 0;
    if (hasCookie) return this.#error(frame, RCODE.BADCOOKIE);
    this.#observe(query.type, RCODE.NOERROR, transport);
    return writeError(frame, RCODE.NOERROR, FLAG.TC);
  }

  #answer(frame: ResponseFrame): number {
    const question = this.#question;
    question.read(frame.packet, frame.query.nameEnd, frame.query.type);
    if (this.#settings.hides !== undefined && this.#isHidden(frame)) {
      return this.#write(frame, OUTSIDE_SLICE);
    }
    const known = this.#answers.known(question);
    return known === undefined ? this.#compile(frame) : this.#write(frame, known);
  }

  /** Also from those who would learn from another answer that there is such a service. Before the first zone nothing is said of it. */
  #isHidden({ client }: ResponseFrame): boolean {
    const { bytes, nameBytes } = this.#question;
    const zoneAt = findZone(bytes, nameBytes, this.#zoneName);
    if (zoneAt === -1 || this.#answers.zone === undefined) return false;
    const [branch, namespace] = labelsBefore(bytes, zoneAt)?.toReversed() ?? [];
    if (branch !== "svc" || namespace === undefined) return false;
    return this.#settings.hides?.(client.address, namespace) ?? false;
  }

  /** An answer that is not known yet: what is not the zone's ends here. */
  #compile(frame: ResponseFrame): number {
    const { query } = frame;
    const { bytes, nameBytes } = this.#question;
    const zoneAt = findZone(bytes, nameBytes, this.#zoneName);
    if (zoneAt === -1) {
      const outside = this.#outside.answer(frame, this.#question);
      return outside ?? this.#error(frame, RCODE.REFUSED, EXTENDED_ERRORS.notInZone);
    }
    // Zone transfers are refused (DNS-48).
    if (query.type === TYPE.AXFR || query.type === TYPE.IXFR) {
      return this.#error(frame, RCODE.REFUSED, EXTENDED_ERRORS.noTransfer);
    }
    const { zone } = this.#answers;
    if (zone === undefined) return this.#error(frame, RCODE.SERVFAIL, EXTENDED_ERRORS.notSynced);
    return this.#write(frame, this.#answers.compile(zone, this.#question, zoneAt, query.type));
  }

  /** A name of the zone, whose serial goes out with the answer. */
  #write(frame: ResponseFrame, found: CachedAnswer): number {
    const { query, transport } = frame;
    const serial = this.#answers.zone?.serial ?? 0;
    const rcode = found.isAbsent === true ? RCODE.NXDOMAIN : RCODE.NOERROR;
    this.#observe(query.type, rcode, transport);
    if (found.answer !== undefined) {
      return writeAnswer(frame, found.answer, serial, this.#turn++);
    }
    if (found.error !== undefined && query.hasEdns) {
      const end = query.nameEnd + 4 + this.#soa.bytes.length;
      this.#options.explain(found.error, roomForOptions(frame, end));
    }
    const at = this.#question.nameBytes - this.#zoneName.length;
    return writeNegative(frame, rcode, this.#soa, { serial, at });
  }

  #bytesMax(transport: Transport): number {
    if (transport === "tcp") return MESSAGE_BYTES_MAX;
    const { hasEdns, udpPayloadBytes } = this.#query;
    if (!hasEdns) return UDP_BYTES_WITHOUT_EDNS;
    // "Values lower than 512 MUST be treated as equal to 512" (RFC 6891, section 6.2.3).
    return Math.min(
      this.#settings.udpPayloadBytes,
      Math.max(UDP_BYTES_WITHOUT_EDNS, udpPayloadBytes),
    );
  }

  #error(frame: ResponseFrame, rcode: number, why?: ExtendedError): number {
    const { query, transport } = frame;
    this.#observe(query.type, rcode, transport);
    if (why !== undefined && query.hasEdns) {
      this.#options.explain(why, roomForOptions(frame, query.nameEnd + 4));
    }
    return writeError(frame, rcode, 0);
  }

  #headerError(rcode: number, transport: Transport, into: Buffer): number {
    this.#observe(0, rcode, transport);
    return writeHeaderError(this.#query, rcode, into);
  }
}
