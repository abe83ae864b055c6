import type { NetworkRow } from "../../api/broker/row.ts";
import type { ClusterId } from "../../api/cluster-id.ts";
import { containsCidr, parseCidr } from "../../api/network/cidr.ts";
import type { GlobalPrefix } from "../../api/network/network-facts.ts";
import { err, ok, type Result } from "../../api/result.ts";

/** What a member needs global addresses for. */
export interface GlobalNeed {
  /** Pod networks, each to be translated one to one. */
  readonly podCidrs: readonly string[];
  /** Fixed by the member's admin. */
  readonly fixed: readonly GlobalPrefix[];
}

/** What the hub gave a member. */
export interface GlobalBlock {
  readonly prefixes: readonly GlobalPrefix[];
  readonly nodePrefixes: readonly string[];
  /** What could not be given, and why; empty: everything was. */
  readonly problem: string;
}

export const NO_BLOCK: GlobalBlock = { prefixes: [], nodePrefixes: [], problem: "" };

/**
 * Gives members their blocks; never the same address to two. What cannot be given is told in the block; error: what was
 * given so far cannot be read or written now.
 */
export interface GlobalAllocator {
  allocate(cluster: ClusterId, need: GlobalNeed): Promise<Result<GlobalBlock, string>>;
}

/** A network row may name no global addresses but those that the hub gave its owner: traffic follows them. */
export function checkGlobals(row: NetworkRow, block: GlobalBlock): Result<void, string> {
  const foreign = row.globalPrefixes.find(
    ({ cidr, global }) =>
      !block.prefixes.some((given) => given.cidr === cidr && given.global === global),
  );
  if (foreign !== undefined) {
    return err(
      `global prefix must be one that the hub gave cluster ${row.cluster}: got ${foreign.global} for ${foreign.cidr}`,
    );
  }
  const outside = row.nodePrefixes.find(
    (text) => !block.nodePrefixes.some((given) => isWithin(given, text)),
  );
  return outside === undefined
    ? ok(undefined)
    : err(`node prefix must lie in those that the hub gave cluster ${row.cluster}: got ${outside}`);
}

function isWithin(outerText: string, innerText: string): boolean {
  const outer = parseCidr(outerText);
  const inner = parseCidr(innerText);
  return outer.ok && inner.ok && containsCidr(outer.value, inner.value);
}
