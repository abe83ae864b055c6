import { err, ok, type Result } from "../../api/result.ts";
import { COOKIE_BYTES, type ServerCookies } from "../guard/server-cookies.ts";
import { OPTION } from "../wire/dns-numbers.ts";
import { ASKS, type Query } from "../wire/parse-query.ts";
import type { ExtendedError } from "./extended-errors.ts";

export interface EdnsSettings {
  /** Absent: COOKIE options are ignored (RFC 7873, section 5.2.1 allows it). */
  readonly cookies?: ServerCookies;
  /** Who answered, for those who ask (RFC 5001). */
  readonly nsid?: Buffer;
  /** How long an idle TCP connection is kept (RFC 7828). */
  readonly tcpIdleMs: number;
  readonly nowSeconds: () => number;
}

const OPTION_HEADER_BYTES = 4;
const NSID_BYTES_MAX = 32;
const KEEPALIVE_BYTES = 2;
/** Unit of edns-tcp-keepalive: 100 milliseconds (RFC 7828, section 3.1). */
const KEEPALIVE_UNIT_MS = 100;
/** What may be added to any answer but an explanation, which goes in when there is room. */
export const OPTIONS_BYTES_MAX =
  3 * OPTION_HEADER_BYTES + COOKIE_BYTES + NSID_BYTES_MAX + KEEPALIVE_BYTES;
const BUFFER_BYTES = 512;

/** Gathers the options of one response; the next query starts anew. */
export class EdnsOptions {
  readonly #settings: EdnsSettings;
  readonly bytes = Buffer.alloc(BUFFER_BYTES);
  length = 0;
  /** The client has shown with a cookie that it is where it says. */
  isProven = false;

  constructor(settings: EdnsSettings) {
    this.#settings = settings;
  }

  clear(): void {
    this.length = 0;
    this.isProven = false;
  }

  /** Answers the options that the query asks for. */
  prepare(packet: Buffer, query: Query, client: string, transport: "udp" | "tcp"): void {
    this.clear();
    const { cookies, nsid, tcpIdleMs, nowSeconds } = this.#settings;
    if (cookies !== undefined && (query.options & ASKS.cookie) !== 0) {
      const cookie = { at: query.cookieAt, bytes: query.cookieBytes };
      const verdict = cookies.answer(packet, cookie, client, nowSeconds());
      cookies.reply.copy(this.bytes, this.#begin(OPTION.COOKIE, COOKIE_BYTES));
      this.isProven = verdict === "proven";
    }
    if (nsid !== undefined && (query.options & ASKS.nsid) !== 0) {
      nsid.copy(this.bytes, this.#begin(OPTION.NSID, nsid.length));
    }
    // "A DNS server MUST NOT send" it "in response to a query over UDP" (RFC 7828, section 3.2.2).
    if (transport === "tcp" && (query.options & ASKS.keepalive) !== 0) {
      const units = Math.min(0xffff, Math.floor(tcpIdleMs / KEEPALIVE_UNIT_MS));
      this.bytes.writeUInt16BE(units, this.#begin(OPTION.KEEPALIVE, KEEPALIVE_BYTES));
    }
  }

  /** Adds the explanation when it leaves the message within `roomBytes`; there is no room without EDNS. */
  explain(error: ExtendedError, roomBytes: number): void {
    if (this.length + error.length > roomBytes) return;
    this.length += error.copy(this.bytes, this.length);
  }

  /** Writes the header of an option and returns where its data goes. */
  #begin(code: number, dataBytes: number): number {
    this.bytes.writeUInt16BE(code, this.length);
    const at = this.bytes.writeUInt16BE(dataBytes, this.length + 2);
    this.length = at + dataBytes;
    return at;
  }
}

/** A name for this server that fits every answer. */
export function parseNsid(text: string): Result<Buffer, string> {
  const bytes = Buffer.from(text);
  if (bytes.length >= 1 && bytes.length <= NSID_BYTES_MAX) return ok(bytes);
  return err(
    `cannot parse nsid: must be 1 to ${NSID_BYTES_MAX} bytes: got ${bytes.length} in ${JSON.stringify(text)}`,
  );
}
