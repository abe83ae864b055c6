import { writeAddress } from "../../api/network/address-bytes.ts";
import { err, ok, type Result } from "../../api/result.ts";
import { type SipHashKey, sipHash24, sipHashKey } from "./siphash.ts";

const CLIENT_COOKIE_BYTES = 8;
/** Version, three reserved bytes, time, hash (RFC 9018, section 4). */
const SERVER_COOKIE_BYTES = 16;
/** Size of the option's data: client and server cookie. */
export const COOKIE_BYTES = CLIENT_COOKIE_BYTES + SERVER_COOKIE_BYTES;
const HASHED_BYTES = CLIENT_COOKIE_BYTES + 8;
const VERSION = 1;
/** A cookie is good for an hour, or five minutes ahead of our clock (RFC 9018, section 4.3). */
const AGE_SECONDS_MAX = 3600;
const AHEAD_SECONDS_MAX = 300;
/** "If the Server Cookie is older than half an hour ... generate a new" one (RFC 9018, section 4.3). */
const RENEWAL_SECONDS = 1800;
export const COOKIE_SECRET_BYTES = 16;

/** What the data of a COOKIE option says about its sender. */
export type CookieVerdict =
  /** A client cookie, and no server cookie of ours or one that has expired. */
  | "unproven"
  /** The sender has received a packet of ours at its address: it is no forgery. */
  | "proven";

/**
 * Server cookies in the interoperable form of RFC 9018: any server with the same secret, whoever made it, accepts them, so
 * replicas and workers can share an address. Keeps nothing per client.
 */
export class ServerCookies {
  readonly #keys: readonly SipHashKey[];
  readonly #first: SipHashKey;
  /** Client cookie, first half of the server cookie, address. */
  readonly #input = Buffer.alloc(HASHED_BYTES + 16);
  readonly #hash = Buffer.alloc(8);
  /** Data of the COOKIE option to answer with, client cookie first; valid until the next call of `answer`. */
  readonly reply = Buffer.alloc(COOKIE_BYTES);

  /** The first secret signs, all of them are accepted: a new one can be rolled out in two steps (RFC 9018, section 5). */
  constructor(secrets: readonly [Buffer, ...Buffer[]]) {
    this.#keys = secrets.map(sipHashKey);
    this.#first = sipHashKey(secrets[0]);
  }

  /**
   * Judges the cookie in `packet` and writes the one to answer with to `reply`.
   * A cookie that is not old yet comes back as it is.
   */
  answer(
    packet: Buffer,
    cookie: { readonly at: number; readonly bytes: number },
    address: string,
    nowSeconds: number,
  ): CookieVerdict {
    const { reply } = this;
    const verdict = this.#judge(packet, cookie, address, nowSeconds);
    if (verdict === "fresh") {
      packet.copy(reply, 0, cookie.at, cookie.at + COOKIE_BYTES);
      return "proven";
    }
    const input = this.#input;
    packet.copy(input, 0, cookie.at, cookie.at + CLIENT_COOKIE_BYTES);
    input.writeUInt32BE(VERSION << 24, CLIENT_COOKIE_BYTES);
    input.writeUInt32BE(nowSeconds % 2 ** 32, CLIENT_COOKIE_BYTES + 4);
    const length = HASHED_BYTES + writeAddress(address, input, HASHED_BYTES);
    input.copy(reply, 0, 0, HASHED_BYTES);
    sipHash24(input, length, this.#first, reply, HASHED_BYTES);
    return verdict === "old" ? "proven" : "unproven";
  }

  #judge(
    packet: Buffer,
    cookie: { readonly at: number; readonly bytes: number },
    address: string,
    nowSeconds: number,
  ): "none" | "old" | "fresh" {
    if (cookie.bytes !== COOKIE_BYTES) return "none";
    const serverAt = cookie.at + CLIENT_COOKIE_BYTES;
    if (packet[serverAt] !== VERSION) return "none";
    // Times are 32 bits and compared as serial numbers (RFC 1982).
    const ageSeconds = (nowSeconds - packet.readUInt32BE(serverAt + 4)) | 0;
    if (ageSeconds > AGE_SECONDS_MAX || ageSeconds < -AHEAD_SECONDS_MAX) return "none";
    const input = this.#input;
    packet.copy(input, 0, cookie.at, cookie.at + HASHED_BYTES);
    const length = HASHED_BYTES + writeAddress(address, input, HASHED_BYTES);
    const hashAt = cookie.at + HASHED_BYTES;
    for (const key of this.#keys) {
      sipHash24(input, length, key, this.#hash, 0);
      if (this.#hash.compare(packet, hashAt, hashAt + 8) !== 0) continue;
      // What an earlier secret or another reserved field made is exchanged for our own.
      const isOurs = key === this.#keys[0] && packet.readUInt32BE(serverAt) === VERSION << 24;
      return isOurs && ageSeconds <= RENEWAL_SECONDS ? "fresh" : "old";
    }
    return "none";
  }
}

/** 32 hexadecimal digits. The error does not repeat the secret. */
export function parseCookieSecret(text: string): Result<Buffer, string> {
  if (/^[0-9a-f]{32}$/i.test(text)) return ok(Buffer.from(text, "hex"));
  return err(
    `cannot parse cookie secret: must be ${COOKIE_SECRET_BYTES * 2} hexadecimal digits: got ${text.length} characters`,
  );
}
