import { FLAG, HEADER_BYTES, OPT_BYTES, TYPE } from "../wire/dns-numbers.ts";
import type { Query } from "../wire/parse-query.ts";
import { readRecords } from "./response-records.ts";

/** AD and CD: wishes about DNSSEC that are the upstream's to fulfil (RFC 4035, section 4.6 and 4.9). */
const PASSED_FLAGS = FLAG.RD | 0x0020 | 0x0010;
const DO = 0x8000;

/**
 * The question as we ask it ourselves: same name, type, class and wishes, but no option of the client's: those are between
 * it and us (RFC 6891, section 7). Its letters keep their case, so that a forger has to guess it too. The id is left to the
 * exchange.
 */
export function toUpstreamQuery(packet: Buffer, query: Query, bytesMax: number): Buffer {
  const end = query.nameEnd + 4;
  const message = Buffer.alloc(end + (query.hasEdns ? OPT_BYTES : 0));
  packet.copy(message, HEADER_BYTES, HEADER_BYTES, end);
  message.writeUInt16BE(query.flags & PASSED_FLAGS, 2);
  message.writeUInt16BE(1, 4);
  if (query.hasEdns) {
    message.writeUInt16BE(1, 10);
    message.writeUInt16BE(TYPE.OPT, end + 1);
    message.writeUInt16BE(bytesMax, end + 3);
    message.writeUInt16BE(query.isDnssecOk ? DO : 0, end + 7);
  }
  return message;
}

/** A response, with the id and the very question of `query`: whoever forges one must have seen or guessed both. */
export function answersQuery(response: Buffer, query: Buffer, questionEnd: number): boolean {
  return (
    response.length >= questionEnd &&
    response.readUInt16BE(0) === query.readUInt16BE(0) &&
    (response.readUInt16BE(2) & FLAG.QR) !== 0 &&
    response.readUInt16BE(4) === 1 &&
    response.compare(query, HEADER_BYTES, questionEnd, HEADER_BYTES, questionEnd) === 0
  );
}

export interface ToClient {
  readonly id: number;
  /** First byte after the question. */
  readonly questionEnd: number;
  /** Largest message the client takes. */
  readonly bytesMax: number;
  /** Our own options for it. */
  readonly options: Buffer;
}

/** The upstream's response as the client gets it; cut to its question when it is too large all the same. */
export function toClientResponse(response: Buffer, client: ToClient): Buffer {
  const whole = withOptions(response, client.options, client.bytesMax);
  const message = whole.length <= client.bytesMax ? whole : cutToQuestion(response, client);
  message.writeUInt16BE(client.id, 0);
  // Recursion is available here, whatever the upstream itself offers.
  message.writeUInt16BE(message.readUInt16BE(2) | FLAG.RA, 2);
  return message;
}

function cutToQuestion(response: Buffer, { questionEnd }: ToClient): Buffer {
  const message = Buffer.from(response.subarray(0, questionEnd));
  message.writeUInt16BE(message.readUInt16BE(2) | FLAG.TC, 2);
  message.fill(0, 6, HEADER_BYTES);
  return message;
}

/** Adds options to an OPT that ends the message, as nearly all do, if they fit. */
function withOptions(response: Buffer, options: Buffer, bytesMax: number): Buffer {
  const optAt = options.length === 0 ? -1 : findLastOpt(response);
  if (optAt === -1 || response.length + options.length > bytesMax) return Buffer.from(response);
  const message = Buffer.concat([response, options]);
  const dataBytes = message.readUInt16BE(optAt + OPT_BYTES - 2);
  message.writeUInt16BE(dataBytes + options.length, optAt + OPT_BYTES - 2);
  return message;
}

/** Where the OPT that ends the message starts; -1 when there is none, or the message cannot be read. */
function findLastOpt(message: Buffer): number {
  const last = readRecords(message)?.at(-1);
  if (last === undefined || last.type !== TYPE.OPT || message[last.at] !== 0) return -1;
  return last.at;
}
