// HOT: one allocation per answer.
import { FLAG, HEADER_BYTES, OPT_BYTES, TYPE } from "../wire/dns-numbers.ts";
import type { Query } from "../wire/parse-query.ts";
import type { CompiledAnswer, Cut } from "./compiled-answer.ts";
import type { NegativeSoa } from "./negative-answer.ts";

/** What every response needs to know besides its records. */
export interface ResponseFrame {
  readonly packet: Buffer;
  readonly query: Query;
  /** Largest message the client takes. */
  readonly bytesMax: number;
  /** UDP size that we offer in OPT. */
  readonly ednsBytes: number;
}

/** An answer with records, cut to what the client takes: addresses of targets go first and silently, then TC is set (DNS-44). */
export function writeAnswer(
  frame: ResponseFrame,
  answer: CompiledAnswer,
  serial: number,
  turn: number,
): Buffer {
  const { packet, query } = frame;
  const optBytes = query.hasEdns ? OPT_BYTES : 0;
  let end = answer.bytes.length;
  let { answerCount, additionalCount } = answer;
  if (end + optBytes > frame.bytesMax) {
    const cut = lastCutWithin(answer.cuts, frame.bytesMax - optBytes);
    end = cut?.end ?? answer.answersStart;
    answerCount = cut?.answerCount ?? 0;
    additionalCount = cut?.additionalCount ?? 0;
  }
  const isCut = answer.isIncomplete || answerCount < answer.answerCount;
  const response = Buffer.allocUnsafe(end + optBytes);
  if (answer.rotationBytes === 0) answer.bytes.copy(response, 0, 0, end);
  else copyRotated(answer, response, end, turn % answer.answerCount);
  packet.copy(response, HEADER_BYTES, HEADER_BYTES, query.nameEnd);
  writeHeader(response, query, FLAG.AA | (isCut ? FLAG.TC : 0), 0);
  putWord(response, 6, answerCount);
  putWord(response, 10, additionalCount + (query.hasEdns ? 1 : 0));
  if (answer.serialAt !== 0) response.writeUInt32BE(serial, answer.serialAt);
  if (query.hasEdns) writeOpt(response, end, frame, 0);
  return response;
}

/** NXDOMAIN or NODATA with the SOA. */
export function writeNegative(
  frame: ResponseFrame,
  rcode: number,
  soa: NegativeSoa,
  zone: { readonly serial: number; readonly at: number },
): Buffer {
  const { query } = frame;
  const soaStart = query.nameEnd + 4;
  const end = soaStart + soa.bytes.length;
  const response = Buffer.allocUnsafe(end + (query.hasEdns ? OPT_BYTES : 0));
  writeQuestion(response, frame, FLAG.AA, rcode);
  soa.bytes.copy(response, soaStart);
  for (const at of soa.pointersAt)
    putWord(response, soaStart + at, 0xc000 | (HEADER_BYTES + zone.at));
  response.writeUInt32BE(zone.serial, soaStart + soa.serialAt);
  putWord(response, 8, 1);
  if (query.hasEdns) writeOpt(response, end, frame, 0);
  return response;
}

/** An error that repeats the question: REFUSED, SERVFAIL, BADVERS. */
export function writeError(frame: ResponseFrame, rcode: number): Buffer {
  const { query } = frame;
  const end = query.nameEnd + 4;
  const response = Buffer.allocUnsafe(end + (query.hasEdns ? OPT_BYTES : 0));
  writeQuestion(response, frame, 0, rcode & 0xf);
  if (query.hasEdns) writeOpt(response, end, frame, rcode >> 4);
  return response;
}

/** An error about a packet whose question could not be read: a bare header. */
export function writeHeaderError(query: Query, rcode: number): Buffer {
  const response = Buffer.alloc(HEADER_BYTES);
  // The opcode is repeated: the client knows what it asked (RFC 1035, section 4.1.1).
  writeHeader(response, query, query.flags & 0x7800, rcode);
  return response;
}

function writeQuestion(response: Buffer, frame: ResponseFrame, flags: number, rcode: number): void {
  const { packet, query } = frame;
  packet.copy(response, HEADER_BYTES, HEADER_BYTES, query.nameEnd + 4);
  writeHeader(response, query, flags, rcode);
  putWord(response, 4, 1);
  putWord(response, 6, 0);
  putWord(response, 8, 0);
  putWord(response, 10, query.hasEdns ? 1 : 0);
}

/** RD is copied; RA, AD and CD stay clear: we neither recurse nor validate (RFC 4035, section 3.1.6). */
function writeHeader(response: Buffer, query: Query, flags: number, rcode: number): void {
  putWord(response, 0, query.id);
  putWord(response, 2, FLAG.QR | flags | (query.flags & FLAG.RD) | rcode);
}

function writeOpt(response: Buffer, at: number, frame: ResponseFrame, extendedRcode: number): void {
  response[at] = 0;
  putWord(response, at + 1, TYPE.OPT);
  putWord(response, at + 3, frame.ednsBytes);
  response[at + 5] = extendedRcode;
  response[at + 6] = 0;
  // "The DO bit of the query MUST be copied in the response" (RFC 3225, section 3).
  putWord(response, at + 7, frame.query.isDnssecOk ? 0x8000 : 0);
  putWord(response, at + 9, 0);
}

function copyRotated(answer: CompiledAnswer, response: Buffer, end: number, turn: number): void {
  const { bytes, answersStart, answersEnd, rotationBytes } = answer;
  const first = answersStart + turn * rotationBytes;
  bytes.copy(response, 0, 0, answersStart);
  const written = bytes.copy(
    response,
    answersStart,
    first,
    Math.min(answersEnd, first + end - answersStart),
  );
  if (answersStart + written < end) {
    bytes.copy(response, answersStart + written, answersStart, end - written);
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
