import { SHORTCUT_TABLE } from "../plan/shortcut-table.ts";
import type { Ownership } from "./read-kernel-state.ts";

/** `12: eth0@if9: <...`, and `12: eth0    inet 10.0.0.1/24 ...` of an address. */
const LINK = /^(?:Deleted )?\d+: ([^\s:@]+)(?:@[^\s:]+)?(:)?/;
const MTU = / mtu (\d+) /;
const ROUTE_TABLE = / table (\d+)/;
const RULE_TABLE = /^(?:Deleted )?\d+:\t.* lookup (\d+)/;
const NEXTHOP = /^(?:Deleted )?id (\d+) /;
const NFT_TABLE = /^delete table (?:inet|netdev) (\S+)/;

/**
 * Tells from what `ip -oneline monitor` and `nft monitor` say whether somebody may have changed what is ours, or how large packets
 * may be underneath. Our own changes are told just as well.
 */
export class KernelNews {
  readonly #ours: Ownership;
  /** MTUs of the machine's other links. BOUNDED: by its links. */
  readonly #mtus = new Map<string, number>();

  constructor(ours: Ownership) {
    this.#ours = ours;
  }

  /** Links that are there already. */
  begin(links: ReadonlyMap<string, number>): void {
    this.#mtus.clear();
    for (const [name, mtu] of links) this.#mtus.set(name, mtu);
  }

  isNews(line: string): boolean {
    const nft = NFT_TABLE.exec(line)?.[1];
    if (nft !== undefined) return this.#isOurTable(nft);
    const rule = RULE_TABLE.exec(line)?.[1];
    if (rule !== undefined) return this.#ours.table(Number(rule));
    const nexthop = NEXTHOP.exec(line)?.[1];
    if (nexthop !== undefined) return this.#ours.nexthop(Number(nexthop));
    const [found, link, isLink] = LINK.exec(line) ?? [];
    if (found !== undefined && link !== undefined) {
      if (this.#isOurLink(link)) return true;
      return isLink !== undefined && this.#hasOtherMtu(link, line);
    }
    const route = ROUTE_TABLE.exec(line)?.[1];
    return route !== undefined && this.#ours.table(Number(route));
  }

  #isOurTable(name: string): boolean {
    const { nftTables, shortcut } = this.#ours;
    return nftTables.includes(name) || (shortcut !== undefined && name === SHORTCUT_TABLE);
  }

  #isOurLink(name: string): boolean {
    const { links, otherLinks } = this.#ours;
    return links.includes(name) || (otherLinks !== undefined && name.startsWith(otherLinks));
  }

  /** Links of pods come and go: a new one tells nothing. */
  #hasOtherMtu(name: string, line: string): boolean {
    const mtu = Number(MTU.exec(line)?.[1]);
    const before = this.#mtus.get(name);
    if (line.startsWith("Deleted ") || Number.isNaN(mtu)) this.#mtus.delete(name);
    else this.#mtus.set(name, mtu);
    return before !== undefined && before !== mtu;
  }
}
