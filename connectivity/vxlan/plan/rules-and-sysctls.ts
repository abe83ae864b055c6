import type { IpFamily } from "../../../api/kube/service.ts";
import type { Rule, Sysctl } from "./kernel-state.ts";
import { markMask, markOf, markTable, rulePriorities } from "./route-tables.ts";
import type { VxlanSettings } from "./settings.ts";
import { isV6 } from "./underlay-family.ts";

/** Packets with the mark of a slot take the slot's table first. */
export function markRules(
  slot: number,
  sources: readonly string[],
  settings: VxlanSettings,
): readonly Rule[] {
  return families(sources).map((family) => ({
    family,
    priority: rulePriorities(settings).marks,
    table: markTable(settings, slot),
    mark: { value: markOf(settings, slot), mask: markMask(settings) },
  }));
}

export function families(addresses: readonly string[]): readonly IpFamily[] {
  return (["IPv4", "IPv6"] as const).filter((family) =>
    addresses.some((address) => isV6(address) === (family === "IPv6")),
  );
}

/** Forwarding, and flows spread by addresses and ports: by addresses alone two pods' flows would share one gateway. */
export function forwardingSysctls(sources: readonly string[]): readonly Sysctl[] {
  return families(sources).flatMap((family) =>
    family === "IPv4"
      ? [
          { path: "net/ipv4/ip_forward", value: "1" },
          { path: "net/ipv4/fib_multipath_hash_policy", value: "1" },
        ]
      : [
          { path: "net/ipv6/conf/all/forwarding", value: "1" },
          { path: "net/ipv6/fib_multipath_hash_policy", value: "1" },
        ],
  );
}

/**
 * A pod that the CNI alone finds answers over another device than it was asked over: the strict check (RFC 3704 section 2.2) would
 * drop what is right. The kernel takes the looser of this and `conf/all`. IPv6 has no such check.
 */
export function looseReversePath(link: string): Sysctl {
  return { path: `net/ipv4/conf/${link}/rp_filter`, value: "2", ofLink: link };
}
