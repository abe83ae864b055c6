// HOT: no allocation. Every writer returns the bytes written.
import { FLAG, HEADER_BYTES, OPT_BYTES, TYPE } from "../wire/dns-numbers.ts";
import type { Query } from "../wire/parse-query.ts";
import type { Client, Transport } from "./client.ts";
import type { CompiledAnswer, Cut } from "./compiled-answer.ts";
import type { EdnsOptions } from "./edns-options.ts";
import type { NegativeSoa } from "./negative-answer.ts";

/** What every response needs to know besides its records. */
export interface ResponseFrame {
  readonly packet: Buffer;
  readonly query: Query;
  /** Where the response goes; holds `bytesMax` bytes. */
  readonly into: Buffer;
  /** Largest message the client takes. */
  readonly bytesMax: number;
  /** UDP size that we offer in OPT. */
  readonly ednsBytes: number;
  /** What goes into OPT; not looked at without EDNS. */
  readonly options: EdnsOptions;
  readonly transport: Transport;
  readonly client: Client;
  /** RA where other zones are asked on behalf of clients. */
  readonly headerFlags: number;
}

/** An answer with records, cut to what the client takes: addresses of targets go first and silently, then TC is set (DNS-44). */
export function writeAnswer(
  frame: ResponseFrame,
  answer: CompiledAnswer,
  serial: number,
  turn: number,
): number {
  const { packet, query, into } = frame;
  const optBytes = optBytesOf(frame);
  let end = answer.bytes.length;
  let { answerCount, additionalCount } = answer;
  if (end + optBytes > frame.bytesMax) {
    const cut = lastCutWithin(answer.cuts, frame.bytesMax - optBytes);
    end = cut?.end ?? answer.answersStart;
    answerCount = cut?.answerCount ?? 0;
    additionalCount = cut?.additionalCount ?? 0;
  }
  const isCut = answer.isIncomplete || answerCount < answer.answerCount;
  if (answer.rotationBytes === 0) answer.bytes.copy(into, 0, 0, end);
  else copyRotated(answer, into, end, firstOf(answer, turn));
  packet.copy(into, HEADER_BYTES, HEADER_BYTES, query.nameEnd);
  writeHeader(into, query, frame.headerFlags | FLAG.AA | (isCut ? FLAG.TC : 0), 0);
  putWord(into, 6, answerCount);
  putWord(into, 10, additionalCount + (query.hasEdns ? 1 : 0));
  if (answer.serialAt !== 0) into.writeUInt32BE(serial, answer.serialAt);
  return query.hasEdns ? writeOpt(frame, end, 0) : end;
}

/** NXDOMAIN or NODATA with the SOA. */
export function writeNegative(
  frame: ResponseFrame,
  rcode: number,
  soa: NegativeSoa,
  zone: { readonly serial: number; readonly at: number },
): number {
  const { query, into } = frame;
  const soaStart = query.nameEnd + 4;
  const end = soaStart + soa.bytes.length;
  writeQuestion(frame, FLAG.AA, rcode);
  soa.bytes.copy(into, soaStart);
  for (const at of soa.pointersAt) putWord(into, soaStart + at, 0xc000 | (HEADER_BYTES + zone.at));
  into.writeUInt32BE(zone.serial, soaStart + soa.serialAt);
  putWord(into, 8, 1);
  return query.hasEdns ? writeOpt(frame, end, 0) : end;
}

/** A response that repeats the question and says nothing more than its code: REFUSED, SERVFAIL, BADVERS, or TC alone. */
export function writeError(frame: ResponseFrame, rcode: number, flags: number): number {
  const { query } = frame;
  // A cookie alone has no question (RFC 7873, section 5.4).
  if (query.nameEnd === 0) return writeOptOnly(frame, rcode);
  const end = query.nameEnd + 4;
  writeQuestion(frame, flags, rcode & 0xf);
  return query.hasEdns ? writeOpt(frame, end, rcode >> 4) : end;
}

/** The answer to a query without a question: a cookie alone (RFC 7873, section 5.4). */
export function writeOptOnly(frame: ResponseFrame, rcode: number): number {
  const { into } = frame;
  into.fill(0, 0, HEADER_BYTES);
  writeHeader(into, frame.query, frame.headerFlags, rcode & 0xf);
  putWord(into, 10, 1);
  return writeOpt(frame, HEADER_BYTES, rcode >> 4);
}

/** How much an explanation may add to a response that ends at `end` before its OPT. */
export function roomForOptions(frame: ResponseFrame, end: number): number {
  return frame.query.hasEdns ? frame.bytesMax - end - OPT_BYTES : 0;
}

/** An error about a packet whose question could not be read: a bare header. */
export function writeHeaderError(query: Query, rcode: number, into: Buffer): number {
  into.fill(0, 0, HEADER_BYTES);
  // The opcode is repeated: the client knows what it asked (RFC 1035, section 4.1.1).
  writeHeader(into, query, query.flags & 0x7800, rcode);
  return HEADER_BYTES;
}

function writeQuestion(frame: ResponseFrame, flags: number, rcode: number): void {
  const { packet, query, into } = frame;
  packet.copy(into, HEADER_BYTES, HEADER_BYTES, query.nameEnd + 4);
  writeHeader(into, query, frame.headerFlags | flags, rcode);
  putWord(into, 4, 1);
  putWord(into, 6, 0);
  putWord(into, 8, 0);
  putWord(into, 10, query.hasEdns ? 1 : 0);
}

/** RD is copied; AD and CD stay clear: we do not validate (RFC 4035, section 3.1.6). */
function writeHeader(into: Buffer, query: Query, flags: number, rcode: number): void {
  putWord(into, 0, query.id);
  putWord(into, 2, FLAG.QR | flags | (query.flags & FLAG.RD) | rcode);
}

function optBytesOf(frame: ResponseFrame): number {
  return frame.query.hasEdns ? OPT_BYTES + frame.options.length : 0;
}

/** Returns where the OPT ends, which is the end of the message. */
function writeOpt(frame: ResponseFrame, at: number, extendedRcode: number): number {
  const { into, options } = frame;
  into[at] = 0;
  putWord(into, at + 1, TYPE.OPT);
  putWord(into, at + 3, frame.ednsBytes);
  into[at + 5] = extendedRcode;
  into[at + 6] = 0;
  // "The DO bit of the query MUST be copied in the response" (RFC 3225, section 3).
  putWord(into, at + 7, frame.query.isDnssecOk ? 0x8000 : 0);
  putWord(into, at + 9, options.length);
  if (options.length > 0) options.bytes.copy(into, at + OPT_BYTES, 0, options.length);
  return at + OPT_BYTES + options.length;
}

function firstOf({ firsts, answerCount }: CompiledAnswer, turn: number): number {
  return firsts === undefined ? turn % answerCount : (firsts[turn % firsts.length] ?? 0);
}

function copyRotated(answer: CompiledAnswer, into: Buffer, end: number, turn: number): void {
  const { bytes, answersStart, answersEnd, rotationBytes } = answer;
  const first = answersStart + turn * rotationBytes;
  bytes.copy(into, 0, 0, answersStart);
  const written = bytes.copy(
    into,
    answersStart,
    first,
    Math.min(answersEnd, first + end - answersStart),
  );
  if (answersStart + written < end) {
    bytes.copy(into, answersStart + written, answersStart, end - written);
  }
}

function lastCutWithin(cuts: readonly Cut[], bytesMax: number): Cut | undefined {
  for (let index = cuts.length - 1; index >= 0; index--) {
    const cut = cuts[index];
    if (cut !== undefined && cut.end <= bytesMax) return cut;
  }
  return undefined;
}

function putWord(bytes: Buffer, at: number, value: number): void {
  bytes[at] = value >> 8;
  bytes[at + 1] = value & 0xff;
}
