import { bridge, ip, ipFor, type KernelCommand } from "./kernel-command.ts";
import type { KernelState, Link, Route, Rule } from "./kernel-state.ts";
import { MTU_MIN_V6 } from "./underlay-family.ts";

/** One thing in the kernel, as text that can be compared, and the commands about it. */
export interface Entry {
  /** Unique among the things of its kind. */
  readonly key: string;
  /** What cannot be changed in place. */
  readonly identity: string;
  /** What can. */
  readonly value: string;
  readonly add: readonly KernelCommand[];
  readonly change: readonly KernelCommand[];
  readonly remove: readonly KernelCommand[];
}

/** Buckets of a group: flows are spread as evenly as this many shares allow. */
const BUCKETS = 256;
/** A gateway that comes back takes over only flows that have been silent this long, seconds. */
const IDLE_S = 5;

export function linkEntries({ links }: KernelState): readonly Entry[] {
  return links.map((link) => {
    const { name, mac, mtu } = link;
    const type = vxlanOptions(link);
    // No link-local addresses: whatever speaks on this link was planned. A link for smaller packets than IPv6 needs has none of it,
    // and refuses what is about it; it has forgotten this when it is for larger ones again.
    const hasIpv6 = mtu >= MTU_MIN_V6 && link.isWithoutIpv6 !== true;
    const unspoken = hasIpv6 ? [ip(`link set dev ${name} addrgenmode none`)] : [];
    const fragments = `df ${link.dontFragment ? "set" : "unset"}`;
    return {
      key: name,
      identity: `${mac} ${type}`,
      value: `${mtu} ${fragments}`,
      add: [
        ip(
          `link add ${name} address ${mac} mtu ${mtu} type vxlan ${type}${link.local === undefined ? " local ::" : ""} ${fragments}`,
        ),
        ...unspoken,
        ip(`link set dev ${name} up`),
      ],
      change: [
        ip(`link set dev ${name} mtu ${mtu}`),
        ...unspoken,
        ip(`link set dev ${name} type vxlan ${fragments}`),
      ],
      remove: [ip(`link del dev ${name}`)],
    };
  });
}

function vxlanOptions({ vni, port, local }: Link): string {
  const outer = local === undefined ? "" : ` local ${local}`;
  return `id ${vni} dstport ${port}${outer} nolearning`;
}

export function addressEntries({ addresses }: KernelState): readonly Entry[] {
  return addresses.map(({ link, address }) => {
    const where = `${address} dev ${link}`;
    const isV6 = address.includes(":");
    return entry(where, "", {
      add: ipFor(address, `address replace ${where}${isV6 ? " nodad" : ""}`),
      remove: ipFor(address, `address del ${where}`),
    });
  });
}

export function neighbourEntries({ neighbours }: KernelState): readonly Entry[] {
  return neighbours.map(({ link, address, mac }) =>
    entry(`${address} dev ${link}`, mac, {
      add: ipFor(address, `neigh replace ${address} lladdr ${mac} dev ${link} nud permanent`),
      remove: ipFor(address, `neigh del ${address} dev ${link}`),
    }),
  );
}

export function forwardingEntries({ forwarding }: KernelState): readonly Entry[] {
  return forwarding.map(({ link, mac, remote, port }) => {
    const where = `${mac} dev ${link}`;
    const outer = `dst ${remote}${port === undefined ? "" : ` port ${port}`}`;
    return entry(where, outer, {
      add: bridge(`fdb replace ${where} ${outer} self permanent`),
      remove: bridge(`fdb del ${where} self`),
    });
  });
}

export function nexthopEntries({ nexthops }: KernelState): readonly Entry[] {
  return nexthops.map(({ id, link, via }) => {
    const where = `via ${via} dev ${link} onlink`;
    return entry(`${id}`, where, {
      add: ipFor(via, `nexthop replace id ${id} ${where}`),
      remove: ip(`nexthop del id ${id}`),
    });
  });
}

export function groupEntries({ groups }: KernelState): readonly Entry[] {
  return groups.map(({ id, members }) => {
    const group = [...members].sort((a, b) => a - b).join("/");
    return entry(`${id}`, group, {
      add: ip(
        `nexthop replace id ${id} group ${group} type resilient buckets ${BUCKETS} idle_timer ${IDLE_S}`,
      ),
      remove: ip(`nexthop del id ${id}`),
    });
  });
}

export function routeEntries({ routes }: KernelState): readonly Entry[] {
  return routes.map((route) => {
    const { table, destination } = route;
    const how = routeOptions(route);
    const kind = route.target.kind === "unreachable" ? "unreachable " : "";
    return entry(`${destination} table ${table}`, `${kind}${how}`, {
      add: ipFor(destination, `route replace ${kind}${destination} table ${table}${how}`),
      remove: ipFor(destination, `route del ${kind}${destination} table ${table}`),
    });
  });
}

function routeOptions({ target, source, mtu }: Route): string {
  if (target.kind === "unreachable") return "";
  const from = source === undefined ? "" : ` src ${source}`;
  const way = target.kind === "link" ? ` dev ${target.name}` : ` nhid ${target.id}`;
  return `${way}${from}${mtu === undefined ? "" : ` mtu ${mtu}`}`;
}

export function ruleEntries({ rules }: KernelState): readonly Entry[] {
  return rules.map((rule) => {
    const tool = rule.family === "IPv6" ? "ip-6" : "ip-4";
    const selector = ruleSelector(rule);
    return entry(`${tool} ${selector}`, "", {
      add: { tool, line: `rule add ${selector}` },
      remove: { tool, line: `rule del ${selector}` },
    });
  });
}

function ruleSelector({ priority, table, mark, fromLink }: Rule): string {
  const marked = mark === undefined ? "" : ` fwmark ${mark.value}/${mark.mask}`;
  const from = fromLink === undefined ? "" : ` iif ${fromLink}`;
  return `priority ${priority}${marked}${from} lookup ${table}`;
}

/** A thing whose value is replaced in place by the same command that adds it. */
export function entry(
  key: string,
  value: string,
  { add, remove }: { readonly add: KernelCommand; readonly remove: KernelCommand },
): Entry {
  return { key, identity: "", value, add: [add], change: [add], remove: [remove] };
}
