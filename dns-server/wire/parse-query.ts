// HOT: runs once per packet, budget 300 ns; no closures, no allocation.
import { CLASS_IN, FLAG, HEADER_BYTES, NAME_BYTES_MAX, OPTION, TYPE } from "./dns-numbers.ts";

/** What must be done with a packet; everything but `answer` ends in a short error or in silence. */
export type QueryVerdict =
  | "answer"
  /** No question, but a COOKIE option: the client wants a server cookie (RFC 7873, section 5.4). */
  | "cookie-only"
  /** Not to be answered at all: too short for a header, or itself a response. */
  | "drop"
  | "malformed"
  | "unsupported-opcode"
  | "unsupported-edns-version"
  | "wrong-class";

/** A parsed query; one object is filled again and again. Offsets count from the start of the packet. */
export interface Query {
  id: number;
  /** Second header word as received. */
  flags: number;
  /** First byte after the name of the question, which starts at HEADER_BYTES. */
  nameEnd: number;
  type: number;
  hasEdns: boolean;
  /** Size the client takes by UDP, as it says; meaningless without EDNS. */
  udpPayloadBytes: number;
  isDnssecOk: boolean;
  /** Bits of ASKS for options that a response may have to carry; 0 for nearly every query. */
  options: number;
  /** Data of the COOKIE option; meaningless without its bit. */
  cookieAt: number;
  cookieBytes: number;
}

export const ASKS = { cookie: 1, nsid: 2, keepalive: 4 } as const;

export function emptyQuery(): Query {
  return {
    id: 0,
    flags: 0,
    nameEnd: 0,
    type: 0,
    hasEdns: false,
    udpPayloadBytes: 0,
    isDnssecOk: false,
    options: 0,
    cookieAt: 0,
    cookieBytes: 0,
  };
}

const OPCODE_BITS = 0x7800;
const EDNS_DO = 0x8000;
const POINTER_BITS = 0xc0;
const FIXED_RECORD_BYTES = 10;

/** Reads header, question and OPT of the first `length` bytes of `packet` into `into`. Never reads behind them. */
export function parseQuery(packet: Uint8Array, length: number, into: Query): QueryVerdict {
  into.hasEdns = false;
  into.isDnssecOk = false;
  into.udpPayloadBytes = 0;
  into.nameEnd = 0;
  into.type = 0;
  into.options = 0;
  if (length < HEADER_BYTES) return "drop";
  into.id = word(packet, 0);
  const flags = word(packet, 2);
  into.flags = flags;
  // Answering responses would let two servers play ping-pong for ever.
  if ((flags & FLAG.QR) !== 0) return "drop";
  if ((flags & OPCODE_BITS) !== 0) return "unsupported-opcode";
  // "A DNS message with OPCODE = 0 and QDCOUNT > 1 MUST be treated as an incorrectly formatted message" (RFC 9619).
  const questions = word(packet, 4);
  if (questions === 0) return parseWithoutQuestion(packet, length, into);
  if (questions !== 1) return "malformed";

  const nameEnd = endOfQuestionName(packet, length);
  if (nameEnd === -1 || nameEnd + 4 > length) return "malformed";
  into.nameEnd = nameEnd;
  into.type = word(packet, nameEnd);
  const versionVerdict = parseRecords(packet, length, nameEnd + 4, into);
  if (versionVerdict !== "answer") return versionVerdict;
  return word(packet, nameEnd + 2) === CLASS_IN ? "answer" : "wrong-class";
}

/** "The QDCOUNT of 0 ... with a COOKIE option" asks for a cookie alone; anything else without a question makes no sense. */
function parseWithoutQuestion(packet: Uint8Array, length: number, into: Query): QueryVerdict {
  into.nameEnd = 0;
  const verdict = parseRecords(packet, length, HEADER_BYTES, into);
  if (verdict !== "answer") return "malformed";
  return (into.options & ASKS.cookie) === 0 ? "malformed" : "cookie-only";
}

/** A question comes first, so a compression pointer in it could point at nothing that makes sense. */
function endOfQuestionName(packet: Uint8Array, length: number): number {
  let offset = HEADER_BYTES;
  while (offset < length) {
    const labelBytes = packet[offset] ?? 0;
    if (labelBytes === 0) {
      return offset + 1 - HEADER_BYTES > NAME_BYTES_MAX ? -1 : offset + 1;
    }
    if ((labelBytes & POINTER_BITS) !== 0) return -1;
    offset += labelBytes + 1;
  }
  return -1;
}

/** Walks over the other records for the sake of OPT; they have no other meaning in a query. */
function parseRecords(
  packet: Uint8Array,
  length: number,
  start: number,
  into: Query,
): QueryVerdict {
  const beforeAdditional = word(packet, 6) + word(packet, 8);
  const count = beforeAdditional + word(packet, 10);
  let offset = start;
  let version = 0;
  for (let index = 0; index < count; index++) {
    const nameStart = offset;
    offset = skipName(packet, length, offset);
    if (offset === -1 || offset + FIXED_RECORD_BYTES > length) return "malformed";
    const end = offset + FIXED_RECORD_BYTES + word(packet, offset + 8);
    if (end > length) return "malformed";
    if (word(packet, offset) === TYPE.OPT) {
      // "If a query message with more than one OPT RR is received, a FORMERR MUST be returned" (RFC 6891, 6.1.1),
      // and its name "MUST be 0 (root domain)" (6.1.2).
      if (into.hasEdns || index < beforeAdditional || packet[nameStart] !== 0) return "malformed";
      into.hasEdns = true;
      into.udpPayloadBytes = word(packet, offset + 2);
      version = packet[offset + 5] ?? 0;
      into.isDnssecOk = (word(packet, offset + 6) & EDNS_DO) !== 0;
      if (!readOptions(packet, offset + FIXED_RECORD_BYTES, end, into)) return "malformed";
    }
    offset = end;
  }
  return version === 0 ? "answer" : "unsupported-edns-version";
}

/** Notes the options that are answered and ignores others; false for a broken list of them (RFC 6891, 6.1.2). */
function readOptions(packet: Uint8Array, start: number, end: number, into: Query): boolean {
  let offset = start;
  while (offset + 4 <= end) {
    const code = word(packet, offset);
    const bytes = word(packet, offset + 2);
    if (code === OPTION.COOKIE) {
      if (!isCookieLength(bytes)) return false;
      // "If multiple COOKIE options occur in a DNS message, then all but the first are ignored" (RFC 7873, 5.2).
      if ((into.options & ASKS.cookie) === 0) {
        into.cookieAt = offset + 4;
        into.cookieBytes = bytes;
      }
      into.options |= ASKS.cookie;
    } else if (code === OPTION.NSID) {
      into.options |= ASKS.nsid;
    } else if (code === OPTION.KEEPALIVE) {
      into.options |= ASKS.keepalive;
    }
    offset += 4 + bytes;
  }
  return offset === end;
}

/** A client cookie alone, or with a server cookie of 8 to 32 bytes; other lengths are FORMERR (RFC 7873, section 5.2.2). */
function isCookieLength(bytes: number): boolean {
  return bytes === 8 || (bytes >= 16 && bytes <= 40);
}

function skipName(packet: Uint8Array, length: number, start: number): number {
  let offset = start;
  while (offset < length) {
    const labelBytes = packet[offset] ?? 0;
    if (labelBytes === 0) return offset + 1;
    if ((labelBytes & POINTER_BITS) === POINTER_BITS) return offset + 2;
    if ((labelBytes & POINTER_BITS) !== 0 || offset - start > NAME_BYTES_MAX) return -1;
    offset += labelBytes + 1;
  }
  return -1;
}

function word(bytes: Uint8Array, offset: number): number {
  return ((bytes[offset] ?? 0) << 8) | (bytes[offset + 1] ?? 0);
}
