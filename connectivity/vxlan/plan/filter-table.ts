import type { NftTable } from "./kernel-state.ts";
import { chain } from "./mark-rules.ts";
import type { OwnGateway } from "./networks.ts";
import { anonymousSet, deviceSet } from "./rule-sets.ts";
import type { VxlanSettings } from "./settings.ts";

export const FILTER_TABLE = "isthmus_gateway";

/** `address . protocol . port`, or an address alone in the sets of hosts. */
const PORT_SETS = [
  "exported4",
  "exported6",
  "imported4",
  "imported6",
  "draining4",
  "draining6",
] as const;
const HOST_SETS = [
  "exported_hosts4",
  "exported_hosts6",
  "imported_hosts4",
  "imported_hosts6",
] as const;
export type FilterSet = (typeof PORT_SETS)[number] | (typeof HOST_SETS)[number];
export const FILTER_SETS: readonly FilterSet[] = [...PORT_SETS, ...HOST_SETS];

/** Counters of what is refused, and which way it went. */
export const DENIED_COUNTERS = { denied_in: "in", denied_out: "out" } as const;

const ERRORS_V4 = "icmp type { destination-unreachable, time-exceeded, parameter-problem } accept";
const ERRORS_V6 =
  "icmpv6 type { destination-unreachable, packet-too-big, time-exceeded, parameter-problem } accept";

/**
 * What may pass a gateway, in either direction: nothing but
 *
 * - requests to exported ports of exported endpoints, and answers from them;
 * - what belongs to connections of ours to endpoints that were offered over this path until lately: a switch to another
 *   path cuts nothing, and opens nothing (`draining`);
 * - ICMP echo of exported endpoints, and errors (RFC 4890 section 4.3.1), which open nothing;
 * - probes between gateways.
 *
 * An answer is what comes from such a port and opens no connection: of TCP any segment but a bare SYN, whatever gateway has seen the
 * connection begin; of other protocols only what conntrack knows as an answer. Sets are hash tables, looked up at most
 * twice: their size costs nothing. They hold exported endpoints under both addresses, since a packet has met
 * translation or not, depending on where its pod is. The table does not change when exports, peers or gateways do, only
 * its sets.
 */
export function filterTable(
  own: Pick<OwnGateway, "tunnelAddresses">,
  /** Devices to other clusters. */
  wan: readonly string[],
  settings: Pick<VxlanSettings, "probePort">,
): NftTable {
  const devices = deviceSet(wan);
  return {
    name: FILTER_TABLE,
    body: [
      ...Object.keys(DENIED_COUNTERS).map((name) => `counter ${name} { }`),
      ...FILTER_SETS.map((name) => `set ${name} { type ${setType(name)}; }`),
      chain("answers", "", [
        "meta l4proto tcp tcp flags & (syn | ack) != syn accept",
        "meta l4proto != tcp ct direction reply ct state established accept",
      ]),
      chain("going_on", "", [
        "meta l4proto tcp tcp flags & (syn | ack) != syn accept",
        "meta l4proto != tcp ct state established accept",
      ]),
      // After conntrack (-200), which tells answers.
      chain("from_tunnel", "type filter hook prerouting priority mangle + 10; policy accept;", [
        `iifname != ${devices} accept`,
        ...passRules("exported", "imported"),
        ...goingOn("saddr", "sport"),
        ...probeRules(own.tunnelAddresses, "daddr", settings.probePort),
        "counter name denied_in drop",
      ]),
      chain("to_tunnel", "type filter hook forward priority filter - 5; policy accept;", [
        `oifname != ${devices} accept`,
        ...passRules("imported", "exported"),
        ...goingOn("daddr", "dport"),
        "jump refuse",
      ]),
      chain("own_to_tunnel", "type filter hook output priority filter - 5; policy accept;", [
        `oifname != ${devices} accept`,
        ...passRules("imported", "exported"),
        ...goingOn("daddr", "dport"),
        ...probeRules(own.tunnelAddresses, "saddr", settings.probePort),
        "jump refuse",
      ]),
      // A local client is told at once.
      chain("refuse", "", [
        // The kernel's own, such as reports of multicast groups: nobody is to hear them, and nobody has done wrong.
        "ip6 daddr ff00::/8 drop",
        "ip daddr { 224.0.0.0/4, 255.255.255.255 } drop",
        "counter name denied_out",
        "meta l4proto tcp reject with tcp reset",
        "reject with icmpx admin-prohibited",
      ]),
    ].join("\n"),
  };
}

function setType(name: FilterSet): string {
  const address = name.endsWith("6") ? "ipv6_addr" : "ipv4_addr";
  return name.includes("hosts") ? address : `${address} . inet_proto . inet_service`;
}

function passRules(
  asked: "exported" | "imported",
  answering: "exported" | "imported",
): readonly string[] {
  return [
    `ip daddr . meta l4proto . th dport @${asked}4 accept`,
    `ip saddr . meta l4proto . th sport @${answering}4 jump answers`,
    `ip6 daddr . meta l4proto . th dport @${asked}6 accept`,
    `ip6 saddr . meta l4proto . th sport @${answering}6 jump answers`,
    `icmp type echo-request ip daddr @${asked}_hosts4 accept`,
    `icmp type echo-reply ip saddr @${answering}_hosts4 ct state established accept`,
    ERRORS_V4,
    `icmpv6 type echo-request ip6 daddr @${asked}_hosts6 accept`,
    `icmpv6 type echo-reply ip6 saddr @${answering}_hosts6 ct state established accept`,
    ERRORS_V6,
  ];
}

/** Looked up last: what is offered now is more. */
function goingOn(address: "saddr" | "daddr", port: "sport" | "dport"): readonly string[] {
  return [
    `ip ${address} . meta l4proto . th ${port} @draining4 jump going_on`,
    `ip6 ${address} . meta l4proto . th ${port} @draining6 jump going_on`,
  ];
}

function probeRules(
  tunnelAddresses: readonly string[],
  field: "saddr" | "daddr",
  port: number,
): readonly string[] {
  return (["ip", "ip6"] as const).flatMap((family) => {
    const own = anonymousSet(tunnelAddresses, family);
    if (own === undefined) return [];
    return [
      `${family} ${field} ${own} udp dport ${port} accept`,
      `${family} ${field} ${own} udp sport ${port} ct direction reply accept`,
    ];
  });
}
