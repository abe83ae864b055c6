import { parseMemberCidr } from "../../api/network/member-cidr.ts";
import type { GlobalPrefix } from "../../api/network/network-facts.ts";
import { err, ok, type Result } from "../../api/result.ts";
import { decodeGlobalPrefix } from "../wire/decode-network.ts";
import { LIMITS } from "../wire/limits.ts";
import type { GlobalNeed } from "./global-block.ts";

/**
 * What a member asks for in Hello; members look before they ask, since a broker that cannot read it closes the stream. Error:
 * which rule, and the value seen.
 */
export function parseNeed({
  podCidrs,
  fixed,
}: {
  readonly podCidrs: readonly string[];
  readonly fixed: readonly GlobalPrefix[];
}): Result<GlobalNeed, string> {
  const count = Math.max(podCidrs.length, fixed.length);
  if (count > LIMITS.cidrsPerMember) {
    return err(`pod networks must be at most ${LIMITS.cidrsPerMember}: got ${count}`);
  }
  for (const text of podCidrs) {
    const parsed = parseMemberCidr("pod network", text);
    if (!parsed.ok) return parsed;
  }
  for (const prefix of fixed) {
    const parsed = decodeGlobalPrefix(prefix);
    if (!parsed.ok) return parsed;
  }
  return ok({ podCidrs: [...new Set(podCidrs)], fixed: [...fixed] });
}
