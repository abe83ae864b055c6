import { type Cidr, cidrSize } from "../../api/network/cidr.ts";
import { addressBits } from "../../api/network/ip-address.ts";

/** The lowest network of this length in the pools, in their order, that shares no address with what is taken. */
export function findRoom(
  pools: readonly Cidr[],
  prefix: number,
  taken: readonly { readonly global: Cidr }[],
): Cidr | undefined {
  const sorted = taken.map(({ global }) => global).toSorted((a, b) => (a.first < b.first ? -1 : 1));
  for (const pool of pools) {
    const found = findInPool(pool, prefix, sorted);
    if (found !== undefined) return found;
  }
  return undefined;
}

/** One walk: what is taken is in order, and networks hold each other or are apart. */
function findInPool(pool: Cidr, prefix: number, taken: readonly Cidr[]): Cidr | undefined {
  if (prefix < pool.prefix) return undefined;
  const { family } = pool;
  const size = 1n << BigInt(addressBits(family) - prefix);
  const end = pool.first + cidrSize(pool);
  let first = pool.first;
  for (const other of taken) {
    const otherEnd = other.first + cidrSize(other);
    if (other.family !== family || otherEnd <= first) continue;
    if (other.first >= first + size) break;
    // The next one that is aligned after it.
    first = ((otherEnd + size - 1n) / size) * size;
  }
  return first + size <= end ? { family, first, prefix } : undefined;
}
