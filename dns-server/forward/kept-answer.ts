import { FLAG, HEADER_BYTES, RCODE, TYPE } from "../wire/dns-numbers.ts";
import { type ResponseRecord, readRecords } from "./response-records.ts";

/** An upstream's answer that may be given again for a while. */
export interface KeptAnswer {
  readonly message: Buffer;
  /** Where its TTLs are, and what they were. */
  readonly ttls: readonly { readonly at: number; readonly seconds: number }[];
  /** As long as all of its records are good. */
  readonly lifetimeSeconds: number;
}

/** The last field of an SOA record's data: how long a denial may be kept (RFC 2308, section 4). */
const MINIMUM_BYTES = 4;
/** Two names of the root and five numbers. */
const SOA_DATA_BYTES_MIN = 22;
/** The highest bit of a TTL makes it 0 (RFC 2181, section 8). */
const TTL_MAX = 0x7fff_ffff;

/**
 * What may be kept of a response: whole answers, and denials whose zone says for how long (RFC 2308, section 5: without an
 * SOA they must not be). Failures and cut answers are asked for again. Undefined for those.
 */
export function keepAnswer(
  response: Buffer,
  questionEnd: number,
  ttlMaxSeconds: number,
): KeptAnswer | undefined {
  const flags = response.readUInt16BE(2);
  const rcode = flags & 0xf;
  if ((flags & FLAG.TC) !== 0) return undefined;
  if (rcode !== RCODE.NOERROR && rcode !== RCODE.NXDOMAIN) return undefined;
  const records = readRecords(response);
  if (records === undefined || records.some((record) => isExtendedError(response, record))) {
    return undefined;
  }
  const asked = response.readUInt16BE(questionEnd - 4);
  const isDenial =
    rcode === RCODE.NXDOMAIN ||
    !records.some(
      ({ section, type }) => section === "answer" && (type === asked || asked === TYPE.ANY),
    );
  const soa = records.find(
    ({ section, type, dataAt, dataEnd }) =>
      section === "authority" && type === TYPE.SOA && dataEnd - dataAt >= SOA_DATA_BYTES_MIN,
  );
  if (isDenial && soa === undefined) return undefined;
  const ttls = records
    .filter(({ type }) => type !== TYPE.OPT)
    .map((record) => {
      const ttl = readTtl(response, record.ttlAt);
      const isBound = isDenial && record === soa;
      const minimum = isBound ? readTtl(response, record.dataEnd - MINIMUM_BYTES) : ttl;
      return { at: record.ttlAt, seconds: Math.min(ttl, minimum) };
    });
  const lifetimeSeconds = Math.min(ttlMaxSeconds, ...ttls.map(({ seconds }) => seconds));
  if (lifetimeSeconds <= 0) return undefined;
  const message = Buffer.from(response);
  // Who gives it again is no authority for it (RFC 1035, section 4.1.1).
  message.writeUInt16BE(flags & ~FLAG.AA, 2);
  return { message, ttls, lifetimeSeconds };
}

/** "It is RECOMMENDED that the TTL" of stale records "be set to 30 seconds" (RFC 8767, section 4). */
const STALE_TTL_SECONDS = 30;

/** The answer to `query` when it is older than its records allow. */
export function staleAnswer(
  { message, ttls }: KeptAnswer,
  query: Buffer,
  questionEnd: number,
): Buffer {
  const response = withQuestion(message, query, questionEnd);
  for (const { at } of ttls) response.writeUInt32BE(STALE_TTL_SECONDS, at);
  return response;
}

/** The answer to `query`, the same question in letters of its own, when `ageSeconds` have passed. */
export function recallAnswer(
  { message, ttls }: KeptAnswer,
  query: Buffer,
  questionEnd: number,
  ageSeconds: number,
): Buffer {
  const response = withQuestion(message, query, questionEnd);
  for (const { at, seconds } of ttls) response.writeUInt32BE(Math.max(0, seconds - ageSeconds), at);
  return response;
}

/** A copy that repeats the question as `query` has it: who sent it compares letters. */
export function withQuestion(response: Buffer, query: Buffer, questionEnd: number): Buffer {
  const copy = Buffer.from(response);
  query.copy(copy, HEADER_BYTES, HEADER_BYTES, questionEnd);
  return copy;
}

function readTtl(message: Buffer, at: number): number {
  const seconds = message.readUInt32BE(at);
  return seconds > TTL_MAX ? 0 : seconds;
}

/** OPT holds the upper bits of a response code where others have a TTL (RFC 6891, section 6.1.3). */
function isExtendedError(response: Buffer, { type, ttlAt }: ResponseRecord): boolean {
  return type === TYPE.OPT && response[ttlAt] !== 0;
}
