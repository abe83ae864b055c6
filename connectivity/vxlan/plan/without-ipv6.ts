import type { KernelState } from "./kernel-state.ts";
import type { Plan } from "./plan.ts";
import { isV6 } from "./underlay-family.ts";

/**
 * What is left of a plan on a machine whose kernel was started without IPv6 (`ipv6.disable=1`): all of it is IPv4. Tables of nft may speak of IPv6
 * there all the same, and settings that are not there are passed by.
 */
export function withoutIpv6(plan: Plan): Plan {
  return { ...plan, kernel: kernelWithoutIpv6(plan.kernel) };
}

function kernelWithoutIpv6(state: KernelState): KernelState {
  const nexthops = state.nexthops.filter(({ via }) => !isV6(via));
  const ids = new Set(nexthops.map(({ id }) => id));
  const groups = state.groups.filter(({ members }) => members.every((id) => ids.has(id)));
  return {
    ...state,
    links: state.links.map((link) => ({ ...link, isWithoutIpv6: true })),
    addresses: state.addresses.filter(({ address }) => !isV6(address)),
    neighbours: state.neighbours.filter(({ address }) => !isV6(address)),
    forwarding: state.forwarding.filter(({ remote }) => !isV6(remote)),
    nexthops,
    groups,
    routes: state.routes.filter(({ destination }) => !isV6(destination)),
    rules: state.rules.filter(({ family }) => family === "IPv4"),
  };
}
