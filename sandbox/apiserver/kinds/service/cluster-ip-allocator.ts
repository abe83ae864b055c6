import { formatIpAddress } from "../../../../api/network/ip-address.ts";
import { err, ok, type Result } from "../../../../api/result.ts";
import type { Random } from "../../../../runtime/random/random.ts";
import { type IpRange, parseIp } from "./ip-range.ts";

/** Addresses of a large IPv6 range that are ever given out: the real server's bound. */
const SIZE_MAX = 65_536n;
const STATIC_BAND_MIN = 16n;
const STATIC_BAND_MAX = 256n;

/**
 * Cluster IPs of one family. As in Kubernetes (KEP-3070) a random address comes from the upper band of the range first, so
 * that addresses chosen by hand, usually low, seldom collide; the lower band is used when the upper is full. The network
 * address, the first address (the API server's own Service) and an IPv4 broadcast address are never random.
 */
export class ClusterIpAllocator {
  readonly range: IpRange;
  readonly #random: Random;
  /** Offsets in the range. BOUNDED: by the range, at most SIZE_MAX random ones, and by the Services stored. */
  readonly #used = new Set<bigint>();
  readonly #first = 1n;
  readonly #count: bigint;

  constructor(range: IpRange, { random }: { readonly random: Random }) {
    this.range = range;
    this.#random = random;
    const hosts = range.family === "IPv4" ? range.size - 2n : range.size - 1n;
    this.#count = hosts > SIZE_MAX ? SIZE_MAX : hosts;
  }

  /** Takes a given address. The error is the reason in the words of the real server. */
  allocate(text: string): Result<string, string> {
    const offset = this.#offsetOf(text);
    if (offset === undefined) return err("the provided network does not match the current range");
    if (offset < this.#first || offset >= this.#first + this.#hostsAddressable()) {
      return err("the provided IP is not in the valid range");
    }
    if (this.#used.has(offset)) return err("provided IP is already allocated");
    this.#used.add(offset);
    return ok(formatIpAddress({ family: this.range.family, value: this.range.base + offset }));
  }

  /** Takes a random free address, the upper band first. */
  allocateNext(): Result<string, string> {
    const staticBand = staticBandOf(this.#count);
    const offset =
      this.#freeIn(this.#first + staticBand, this.#count - staticBand) ??
      this.#freeIn(this.#first, staticBand);
    if (offset === undefined) return err("range is full");
    this.#used.add(offset);
    return ok(formatIpAddress({ family: this.range.family, value: this.range.base + offset }));
  }

  /** Gives an address back; one that is not taken is ignored. */
  release(text: string): void {
    const offset = this.#offsetOf(text);
    if (offset !== undefined) this.#used.delete(offset);
  }

  has(text: string): boolean {
    const offset = this.#offsetOf(text);
    return offset !== undefined && this.#used.has(offset);
  }

  #offsetOf(text: string): bigint | undefined {
    const ip = parseIp(text);
    if (ip === undefined || ip.family !== this.range.family) return undefined;
    const offset = ip.value - this.range.base;
    return offset >= 0n && offset < this.range.size ? offset : undefined;
  }

  #hostsAddressable(): bigint {
    return this.range.family === "IPv4" ? this.range.size - 2n : this.range.size - 1n;
  }

  /** A random start, then the next free one: uniform enough, and it ends. */
  #freeIn(from: bigint, count: bigint): bigint | undefined {
    if (count <= 0n) return undefined;
    const start = BigInt(Math.floor(this.#random.next() * Number(count)));
    for (let step = 0n; step < count; step += 1n) {
      const offset = from + ((start + step) % count);
      if (!this.#used.has(offset)) return offset;
    }
    return undefined;
  }
}

/** min(max(16, size / 16), 256), and none in a range too small to split (KEP-3070). */
function staticBandOf(count: bigint): bigint {
  if (count <= STATIC_BAND_MIN) return 0n;
  const sixteenth = count / 16n;
  if (sixteenth < STATIC_BAND_MIN) return STATIC_BAND_MIN;
  return sixteenth > STATIC_BAND_MAX ? STATIC_BAND_MAX : sixteenth;
}
