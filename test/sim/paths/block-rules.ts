import { LOCAL_NETWORK, type MemberNetwork } from "../../../api/network/member-network.ts";
import { MEMBER_NETWORKS } from "../../../api/network/resources.ts";
import type { GlobalBlock } from "../../../broker/globals/global-block.ts";
import type { Report } from "../check/violation.ts";
import { type Change, collectionName, typedObject } from "../world/sim-cluster.ts";

const NETWORKS_COLLECTION = collectionName(MEMBER_NETWORKS);

/** Global addresses: never the same to two, and always the same to one, over joins, leaves and restarts. */
export class BlockRules {
  readonly #report: Report;
  /** Owner and use to prefix; nobody's is given to others within a day, so that none goes. BOUNDED: by owners and uses. */
  readonly #given = new Map<string, string>();

  constructor(report: Report) {
    this.#report = report;
  }

  onChange({ cluster, collection, key, after }: Change): void {
    if (collection !== NETWORKS_COLLECTION || key !== LOCAL_NETWORK || after === undefined) return;
    const { globalPrefixes, nodePrefixes } = typedObject<MemberNetwork>(
      after,
      MEMBER_NETWORKS,
    ).spec;
    this.given(cluster.id, { prefixes: globalPrefixes, nodePrefixes });
  }

  given(owner: string, block: Pick<GlobalBlock, "prefixes" | "nodePrefixes">): void {
    for (const { cidr, global } of block.prefixes) this.#note(`${owner} ${cidr}`, global);
    for (const prefix of block.nodePrefixes) this.#note(`${owner} nodes`, prefix);
  }

  #note(use: string, prefix: string): void {
    const before = this.#given.get(use);
    if (before === prefix) return;
    if (before !== undefined)
      this.#report("blocks", `${use} is ${prefix} now: must stay ${before}`);
    for (const [other, taken] of this.#given) {
      if (other !== use && meet(taken, prefix))
        this.#report("blocks", `${use} is given ${prefix}, which meets ${taken} of ${other}`);
    }
    this.#given.set(use, prefix);
  }
}

/** Two IPv4 prefixes share an address when they agree in the bits of the shorter one. */
function meet(left: string, right: string): boolean {
  const [a, b] = [bits(left), bits(right)];
  return a.startsWith(b) || b.startsWith(a);
}

function bits(cidr: string): string {
  const [address = "", length] = cidr.split("/");
  const all = address.split(".").map((part) => Number(part).toString(2).padStart(8, "0"));
  return all.join("").slice(0, Number(length));
}
