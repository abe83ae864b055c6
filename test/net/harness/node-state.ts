import { runIn } from "../../../sandbox/network/netns/run-commands.ts";

/** Every view of a machine's network that an uninstall must leave as it was. */
const VIEWS: Readonly<Record<string, readonly string[]>> = {
  links: ["ip", "-d", "link"],
  addresses: ["ip", "addr"],
  routes: ["ip", "-N", "route", "show", "table", "all"],
  routes6: ["ip", "-N", "-6", "route", "show", "table", "all"],
  rules: ["ip", "rule"],
  rules6: ["ip", "-6", "rule"],
  nexthops: ["ip", "nexthop"],
  neighbours: ["ip", "neigh", "show", "nud", "permanent"],
  fdb: ["bridge", "fdb"],
  qdiscs: ["tc", "qdisc"],
  filters: ["nft", "list", "ruleset"],
  sysctls: ["sh", "-c", "cd /proc/sys/net && grep -r . . 2>/dev/null | sort"],
};

/** What counts by itself: packets, timers, and what the kernel learns. */
const COUNTERS = /nf_conntrack_count|random_boot_id|entropy|valid_lft .*|expires \d+sec/;

/** As text, so that "as before" can be said byte for byte. */
export async function nodeState(namespace: string): Promise<Readonly<Record<string, string>>> {
  const entries = Object.entries(VIEWS).map(async ([view, argv]) => {
    const { stdout } = await runIn(namespace, argv);
    const lines = stdout.split("\n").filter((line) => !COUNTERS.test(line));
    return [view, lines.join("\n")] as const;
  });
  return Object.fromEntries(await Promise.all(entries));
}
