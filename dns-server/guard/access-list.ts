import { BlockList, isIPv4, isIPv6 } from "node:net";
import { unmapped } from "../../api/network/address-bytes.ts";
import { err, ok, type Result } from "../../api/result.ts";

/** Source addresses that a rule speaks of. */
export class AccessList {
  readonly #networks: BlockList;

  private constructor(networks: BlockList) {
    this.#networks = networks;
  }

  /** Of addresses and CIDR blocks of both families; the error names the first one that is neither. */
  static parse(what: string, texts: readonly string[]): Result<AccessList, string> {
    const networks = new BlockList();
    for (const text of texts) {
      if (!add(networks, text)) {
        return err(
          `cannot parse ${what}: must be an IP address or a CIDR block: got ${JSON.stringify(text)}`,
        );
      }
    }
    return ok(new AccessList(networks));
  }

  holds(address: string): boolean {
    const plain = unmapped(address);
    return this.#networks.check(plain, isIPv4(plain) ? "ipv4" : "ipv6");
  }
}

function add(networks: BlockList, text: string): boolean {
  const [address = "", prefix, ...rest] = text.split("/");
  const bitsMax = isIPv4(address) ? 32 : isIPv6(address) && !address.includes("%") ? 128 : -1;
  if (bitsMax === -1 || rest.length > 0) return false;
  const bits = prefix === undefined ? bitsMax : Number(prefix);
  if (!/^\d{1,3}$/.test(prefix ?? "0") || bits > bitsMax) return false;
  networks.addSubnet(address, bits, bitsMax === 32 ? "ipv4" : "ipv6");
  return true;
}
