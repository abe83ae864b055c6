import { type Cidr, cidrSize, containsAddress } from "../../../api/network/cidr.ts";
import { formatIpAddress, parseIpAddress } from "../../../api/network/ip-address.ts";
import { canonicalIp } from "../../network/canonical-ip.ts";

/** The first two (network, gateway) and the last sixteen addresses belong to the infrastructure. */
const RESERVED_HEAD = 2n;
const RESERVED_TAIL = 16n;

/** Pods that the CIDRs, one a family, have addresses for. */
export function podCapacity(cidrs: readonly Cidr[]): number {
  const rooms = cidrs.map((cidr) => cidrSize(cidr) - RESERVED_HEAD - RESERVED_TAIL);
  const least = rooms.reduce((a, b) => (a < b ? a : b), BigInt(2 ** 31 - 1));
  return Math.max(0, Number(least));
}

/** Hands out the pod addresses of one CIDR, one owner (pod uid) each; a freed one is reused as late as possible. */
export class PodIpPool {
  readonly #cidr: Cidr;
  /** BOUNDED: by the CIDR. */
  readonly #owners = new Map<string, string>();
  #next = RESERVED_HEAD;

  constructor(cidr: Cidr) {
    this.#cidr = cidr;
  }

  /** For infrastructure: `fromEnd` 1 is the last address of the CIDR. Never handed out to pods while at most 16. */
  reserved(fromEnd: number): string {
    const { family, first } = this.#cidr;
    return formatIpAddress({ family, value: first + cidrSize(this.#cidr) - BigInt(fromEnd) });
  }

  /** Takes a given address; false when it is not of this pool or another's. */
  claim(address: string, owner: string): boolean {
    const ip = parseIpAddress(address);
    if (!ip.ok || !containsAddress(this.#cidr, ip.value)) return false;
    const offset = ip.value.value - this.#cidr.first;
    if (offset < RESERVED_HEAD || offset >= cidrSize(this.#cidr) - RESERVED_TAIL) return false;
    const key = formatIpAddress(ip.value);
    const holder = this.#owners.get(key);
    if (holder !== undefined && holder !== owner) return false;
    this.#owners.set(key, owner);
    return true;
  }

  /** Undefined when the CIDR is used up. */
  allocate(owner: string): string | undefined {
    const end = cidrSize(this.#cidr) - RESERVED_TAIL;
    for (let tried = RESERVED_HEAD; tried < end; tried++) {
      const offset = this.#next;
      this.#next = offset + 1n >= end ? RESERVED_HEAD : offset + 1n;
      const address = formatIpAddress({
        family: this.#cidr.family,
        value: this.#cidr.first + offset,
      });
      if (this.#owners.has(address)) continue;
      this.#owners.set(address, owner);
      return address;
    }
    return undefined;
  }

  release(address: string, owner: string): void {
    const key = canonicalIp(address) ?? address;
    if (this.#owners.get(key) === owner) this.#owners.delete(key);
  }
}
