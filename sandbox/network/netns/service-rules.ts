import type { ForwardedPort, ForwardingTable } from "../proxy/forwarding-table.ts";
import { familyOf } from "./net-commands.ts";

const TABLE = "table inet services";
/** kube-proxy's mark for what must come back through this node. */
const HAIRPIN = "0x4000";

/**
 * What kube-proxy would program in nftables mode: each ClusterIP's ports are translated to one of their endpoints by chance, or to
 * the client's last one; what has no endpoint, and other ports of a ClusterIP, are refused. Replaces the whole table at once.
 */
export function serviceRules(table: ForwardingTable): string {
  const ports = [...table.ports.values()].toSorted((a, b) => (a.key < b.key ? -1 : 1));
  const clusterIps = [...table.clusterIps].toSorted();
  const served = ports.filter(({ endpoints }) => endpoints.length > 0);
  const chains = served.map((port, index) => portChains(port, `port-${index}`));
  return [
    TABLE,
    `delete ${TABLE}`,
    `${TABLE} {`,
    ...ipSet("cluster-ips-4", "ipv4_addr", ofFamily(clusterIps, "IPv4")),
    ...ipSet("cluster-ips-6", "ipv6_addr", ofFamily(clusterIps, "IPv6")),
    ...chains.flat(),
    ...portMap("ports-4", "ipv4_addr", served, "IPv4"),
    ...portMap("ports-6", "ipv6_addr", served, "IPv6"),
    ...["prerouting", "output"].flatMap((hook) => [
      `  chain nat-${hook} {`,
      `    type nat hook ${hook} priority ${hook === "output" ? "-100" : "dstnat"};`,
      "    ip daddr . meta l4proto . th dport vmap @ports-4",
      "    ip6 daddr . meta l4proto . th dport vmap @ports-6",
      "  }",
    ]),
    "  chain nat-postrouting {",
    "    type nat hook postrouting priority srcnat;",
    `    meta mark & ${HAIRPIN} == ${HAIRPIN} masquerade`,
    "  }",
    // Whatever was translated has another destination by now.
    ...["forward", "output"].flatMap((hook) => [
      `  chain refuse-${hook} {`,
      `    type filter hook ${hook} priority filter;`,
      ...["ip daddr @cluster-ips-4", "ip6 daddr @cluster-ips-6"].flatMap((match) => [
        `    ${match} meta l4proto tcp reject with tcp reset`,
        `    ${match} reject`,
      ]),
      "  }",
    ]),
    "}",
    "",
  ].join("\n");
}

function portChains(port: ForwardedPort, name: string): readonly string[] {
  const { endpoints, affinityTimeoutMs } = port;
  const ends = endpoints.map((_, index) => `${name}-${index}`);
  const choices = ends.map((end, index) => `${index} : goto ${end}`).join(", ");
  const v6 = isV6(port);
  return [
    ...endpoints.flatMap((endpoint, index) => {
      const client = `${name}-clients-${index}`;
      const to = v6
        ? `ip6 to [${endpoint.ip}]:${endpoint.port}`
        : `ip to ${endpoint.ip}:${endpoint.port}`;
      const source = v6 ? "ip6 saddr" : "ip saddr";
      return [
        ...(affinityTimeoutMs === undefined
          ? []
          : [
              `  set ${client} {`,
              `    type ${v6 ? "ipv6_addr" : "ipv4_addr"}; flags dynamic,timeout; size 65535; timeout ${affinityTimeoutMs}ms;`,
              "  }",
            ]),
        `  chain ${ends[index]} {`,
        `    ${source} ${endpoint.ip} meta mark set meta mark | ${HAIRPIN}`,
        ...(affinityTimeoutMs === undefined ? [] : [`    update @${client} { ${source} }`]),
        `    meta l4proto ${protocolOf(port)} dnat ${to}`,
        "  }",
      ];
    }),
    `  chain ${name} {`,
    ...(affinityTimeoutMs === undefined
      ? []
      : ends.map(
          (end, index) => `    ${v6 ? "ip6" : "ip"} saddr @${name}-clients-${index} goto ${end}`,
        )),
    `    numgen random mod ${endpoints.length} vmap { ${choices} }`,
    "  }",
  ];
}

function portMap(
  name: string,
  type: string,
  served: readonly ForwardedPort[],
  family: "IPv4" | "IPv6",
): readonly string[] {
  const elements = served.flatMap((port, index) => {
    const [, ip = "", number = ""] = port.key.split(" ");
    return familyOf(ip) === family
      ? [`${ip} . ${protocolOf(port)} . ${number} : goto port-${index}`]
      : [];
  });
  return [
    `  map ${name} {`,
    `    type ${type} . inet_proto . inet_service : verdict;`,
    ...(elements.length === 0 ? [] : [`    elements = { ${elements.join(", ")} }`]),
    "  }",
  ];
}

function ipSet(name: string, type: string, elements: readonly string[]): readonly string[] {
  return [
    `  set ${name} {`,
    `    type ${type};`,
    ...(elements.length === 0 ? [] : [`    elements = { ${elements.join(", ")} }`]),
    "  }",
  ];
}

function ofFamily(ips: readonly string[], family: "IPv4" | "IPv6"): readonly string[] {
  return ips.filter((ip) => familyOf(ip) === family);
}

function protocolOf({ key }: ForwardedPort): string {
  return key.split(" ")[0]?.toLowerCase() ?? "";
}

function isV6({ key }: ForwardedPort): boolean {
  return familyOf(key.split(" ")[1] ?? "") === "IPv6";
}
