import type { IpFamily } from "../../../api/kube/service.ts";
import { ok, type Result } from "../../../api/result.ts";
import type { KernelState } from "../plan/kernel-state.ts";
import {
  parseAddresses,
  parseForwarding,
  parseLinks,
  parseNeighbours,
  parseNexthops,
  parseRoutes,
  parseRules,
} from "./parse-kernel-state.ts";
import { parseClasses, parseQueues } from "./parse-queues.ts";
import type { RunCommand } from "./run-command.ts";

/** What in the kernel belongs to one process of ours. */
export interface Ownership {
  readonly links: readonly string[];
  /** What names of links begin with that are ours too, and none of the plan's. */
  readonly otherLinks?: string;
  readonly nftTables: readonly string[];
  readonly table: (table: number) => boolean;
  readonly nexthop: (id: number) => boolean;
  /** Devices that its shortcut is between; absent: it has none. */
  readonly shortcut?: readonly string[];
}

const OPTIONS: Readonly<Record<IpFamily, string>> = { IPv4: "-4", IPv6: "-6" };

/** All that is there of what we own, ours or left behind; of the families that the kernel has: asked about another it fails. */
export async function readKernelState(
  { links: names, table, nexthop }: Ownership,
  families: readonly IpFamily[],
  run: RunCommand,
  signal: AbortSignal,
): Promise<Result<KernelState, string>> {
  const ip = (...args: string[]) => run({ program: "ip", args: ["-json", ...args] }, signal);
  const linkText = await ip("-details", "link", "show");
  if (!linkText.ok) return linkText;
  const links = parseLinks(linkText.value, names);
  if (!links.ok) return links;
  const addressText = await ip("address", "show");
  if (!addressText.ok) return addressText;
  const addresses = parseAddresses(addressText.value, names);
  if (!addresses.ok) return addresses;
  const perLink = { neighbours: [], forwarding: [], queues: [], classes: [] } as Pick<
    { -readonly [K in keyof KernelState]: KernelState[K][number][] },
    "neighbours" | "forwarding" | "queues" | "classes"
  >;
  for (const { name } of links.value) {
    for (const family of families) {
      const text = await ip(OPTIONS[family], "neigh", "show", "dev", name, "nud", "permanent");
      if (!text.ok) return text;
      const neighbours = parseNeighbours(text.value, name);
      if (!neighbours.ok) return neighbours;
      perLink.neighbours.push(...neighbours.value);
    }
    const fdb = await run(
      { program: "bridge", args: ["-json", "fdb", "show", "dev", name] },
      signal,
    );
    if (!fdb.ok) return fdb;
    const forwarding = parseForwarding(fdb.value, name);
    if (!forwarding.ok) return forwarding;
    perLink.forwarding.push(...forwarding.value);
    const queueText = await run(
      { program: "tc", args: ["-json", "qdisc", "show", "dev", name] },
      signal,
    );
    if (!queueText.ok) return queueText;
    const queues = parseQueues(queueText.value, name);
    if (!queues.ok) return queues;
    perLink.queues.push(...queues.value);
    if (queues.value.length === 0) continue;
    const classes = await run({ program: "tc", args: ["class", "show", "dev", name] }, signal);
    if (!classes.ok) return classes;
    perLink.classes.push(...parseClasses(classes.value, name));
  }
  const nexthopText = await ip("nexthop", "show");
  if (!nexthopText.ok) return nexthopText;
  const nexthops = parseNexthops(nexthopText.value, nexthop);
  if (!nexthops.ok) return nexthops;
  const routing = { routes: [], rules: [] } as Pick<
    { -readonly [K in keyof KernelState]: KernelState[K][number][] },
    "routes" | "rules"
  >;
  for (const family of families) {
    const option = OPTIONS[family];
    const routeText = await ip(option, "route", "show", "table", "all");
    if (!routeText.ok) return routeText;
    const routes = parseRoutes(routeText.value, family, table);
    if (!routes.ok) return routes;
    routing.routes.push(...routes.value);
    const ruleText = await ip(option, "rule", "show");
    if (!ruleText.ok) return ruleText;
    const rules = parseRules(ruleText.value, family, table);
    if (!rules.ok) return rules;
    routing.rules.push(...rules.value);
  }
  return ok({
    links: links.value,
    addresses: addresses.value,
    ...perLink,
    ...nexthops.value,
    ...routing,
  });
}
