import { LRUCache } from "lru-cache";
import { unmapped, writeAddress } from "../../api/network/address-bytes.ts";

export interface RateLimits {
  /** Responses by UDP that one client gets per second; as many at once after a quiet second. */
  readonly perSecond: number;
  /** Clients remembered; the one that was silent longest is forgotten first and starts anew. */
  readonly clientsMax?: number;
}

/** What becomes of a response: sent, replaced by a small one that invites to prove the address, or dropped. */
export type RateVerdict = "pass" | "slip" | "drop";

const CLIENTS_MAX = 65_536;
/** One refused query in so many gets the small answer, so that honest clients get through by TCP or a cookie. */
const SLIP_EVERY = 2;
/** One host may have a whole /64 of IPv6 addresses. */
const IPV6_CLIENT_BYTES = 8;

interface Bucket {
  tokens: number;
  atMs: number;
  refused: number;
}

/**
 * Limits responses per client: forged queries must not make this server the amplifier of an attack on whom they name.
 * A client is an IPv4 address or an IPv6 /64.
 */
export class RateLimiter {
  readonly #perSecond: number;
  /** BOUNDED: by clientsMax. */
  readonly #buckets: LRUCache<string, Bucket>;
  readonly #address = Buffer.alloc(16);

  constructor(limits: RateLimits) {
    this.#perSecond = limits.perSecond;
    this.#buckets = new LRUCache({ max: limits.clientsMax ?? CLIENTS_MAX });
  }

  judge(address: string, nowMs: number): RateVerdict {
    const bucket = this.#bucketOf(address, nowMs);
    const earned = ((nowMs - bucket.atMs) / 1000) * this.#perSecond;
    bucket.tokens = Math.min(this.#perSecond, bucket.tokens + earned);
    bucket.atMs = nowMs;
    if (bucket.tokens >= 1) {
      bucket.tokens--;
      return "pass";
    }
    bucket.refused++;
    return bucket.refused % SLIP_EVERY === 0 ? "slip" : "drop";
  }

  #bucketOf(address: string, nowMs: number): Bucket {
    const key = this.#keyOf(address);
    const known = this.#buckets.get(key);
    if (known !== undefined) return known;
    const made = { tokens: this.#perSecond, atMs: nowMs, refused: 0 };
    this.#buckets.set(key, made);
    return made;
  }

  #keyOf(address: string): string {
    const plain = unmapped(address);
    if (!plain.includes(":")) return plain;
    writeAddress(plain, this.#address, 0);
    return this.#address.toString("latin1", 0, IPV6_CLIENT_BYTES);
  }
}
