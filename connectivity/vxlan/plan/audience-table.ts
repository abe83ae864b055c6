import type { EndpointSlice } from "../../../api/kube/endpoint-slice.ts";
import { ANNOTATION_EXPORT_TO, LABEL_SOURCE_CLUSTER } from "../../../api/mcs/labels.ts";
import { type FilterScope, sliceElements } from "./filter-contents.ts";
import type { NftTable } from "./kernel-state.ts";
import { chain } from "./mark-rules.ts";
import { type Plan, withJudge } from "./plan.ts";
import { anonymousSet, deviceSet } from "./rule-sets.ts";

export const AUDIENCE_TABLE = "isthmus_audiences";
/** Counters of what is refused, and which way it went. */
export const AUDIENCE_DENIED_COUNTERS = {
  audience_denied_in: "in",
  audience_denied_out: "out",
} as const;

export interface AudienceInput {
  /** MCS slices of all services. */
  readonly endpoints: Iterable<EndpointSlice>;
  readonly scope: FilterScope;
}

/** A gateway's plan, and the table of what is for chosen clusters. */
export function withAudiences(plan: Plan, input: AudienceInput): Plan {
  const devices = plan.kernel.links.map(({ name }) => name);
  return withJudge(plan, audienceTable(input, devices));
}

const MAPS = ["asked4", "asked6", "asked_hosts4", "asked_hosts6", "answering4", "answering6"];

/**
 * What exports for chosen clusters (docs/decisions/0004) refuse of that which exports let pass: packets about their endpoints from and
 * to other clusters. It only takes away: its chains stand before those of the filter. An endpoint's port that is exported
 * twice is for whoever one of the exports is for. Empty without such exports.
 */
function audienceTable({ endpoints, scope }: AudienceInput, devices: readonly string[]): NftTable {
  const audiences = audiencesByElement(endpoints, scope);
  if (audiences.size === 0) return { name: AUDIENCE_TABLE, body: "" };
  const numbers = new Map([...new Set(audiences.values())].sort().map((text, at) => [text, at]));
  const maps = new Map(MAPS.map((name) => [name, new Map<string, string>()]));
  for (const [key, text] of audiences) {
    const [set = "", element = ""] = key.split("|");
    for (const { map, to } of mapsOf(set)) {
      maps.get(map)?.set(element, `goto ${to}_${numbers.get(text)}`);
    }
  }
  const wan = deviceSet(devices);
  const out = [
    `oifname != ${wan} accept`,
    "ip saddr . meta l4proto . th sport vmap @answering4",
    "ip6 saddr . meta l4proto . th sport vmap @answering6",
  ];
  const body = [
    ...Object.keys(AUDIENCE_DENIED_COUNTERS).map((name) => `counter ${name} { }`),
    ...[...numbers].flatMap(([text, number]) => audienceChains(text, number, scope)),
    ...[...maps].map(([name, elements]) => mapText(name, elements)),
    chain("from_tunnel", "type filter hook prerouting priority mangle + 8; policy accept;", [
      `iifname != ${wan} accept`,
      "ip daddr . meta l4proto . th dport vmap @asked4",
      "ip6 daddr . meta l4proto . th dport vmap @asked6",
      "icmp type echo-request ip daddr vmap @asked_hosts4",
      "icmpv6 type echo-request ip6 daddr vmap @asked_hosts6",
    ]),
    chain("to_tunnel", "type filter hook forward priority filter - 7; policy accept;", out),
    chain("own_to_tunnel", "type filter hook output priority filter - 7; policy accept;", out),
  ];
  return { name: AUDIENCE_TABLE, body: body.join("\n") };
}

/** Of each `set|element` of the filter that is not for everybody: the clusters it is for, sorted, with commas between. */
function audiencesByElement(
  endpoints: Iterable<EndpointSlice>,
  scope: FilterScope,
): ReadonlyMap<string, string> {
  const own = [...endpoints].filter(
    ({ metadata }) => metadata.labels?.[LABEL_SOURCE_CLUSTER] === scope.own,
  );
  const chosen = own.filter(({ metadata }) => audienceOf(metadata) !== undefined);
  if (chosen.length === 0) return new Map();
  const audiences = new Map<string, Set<string>>();
  for (const slice of chosen) {
    for (const { set, element } of sliceElements(slice, scope)) {
      const key = `${set}|${element}`;
      const clusters = audiences.get(key) ?? new Set<string>();
      for (const cluster of audienceOf(slice.metadata) ?? []) clusters.add(cluster);
      audiences.set(key, clusters);
    }
  }
  for (const slice of own) {
    if (audienceOf(slice.metadata) !== undefined) continue;
    for (const { set, element } of sliceElements(slice, scope)) {
      audiences.delete(`${set}|${element}`);
    }
  }
  return new Map([...audiences].map(([key, clusters]) => [key, [...clusters].sort().join()]));
}

function audienceOf({ annotations }: EndpointSlice["metadata"]): readonly string[] | undefined {
  return annotations?.[ANNOTATION_EXPORT_TO]?.split(",");
}

function audienceChains(text: string, number: number, scope: FilterScope): readonly string[] {
  const networks = text.split(",").flatMap((cluster) => scope.peers.get(cluster) ?? []);
  const those = (field: string): readonly string[] =>
    (["ip", "ip6"] as const).flatMap((family) => {
      const set = anonymousSet(networks, family);
      return set === undefined ? [] : [`${family} ${field} ${set} accept`];
    });
  return [
    chain(`from_${number}`, "", [...those("saddr"), "counter name audience_denied_in", "drop"]),
    chain(`to_${number}`, "", [...those("daddr"), "counter name audience_denied_out", "drop"]),
  ];
}

/** The maps that an element of a set of the filter goes to, and the chain that judges there. */
function mapsOf(set: string): readonly { readonly map: string; readonly to: "from" | "to" }[] {
  const family = set.slice(-1);
  return set.startsWith("exported_hosts")
    ? [{ map: `asked_hosts${family}`, to: "from" }]
    : [
        { map: `asked${family}`, to: "from" },
        { map: `answering${family}`, to: "to" },
      ];
}

function mapText(name: string, elements: ReadonlyMap<string, string>): string {
  const address = name.endsWith("6") ? "ipv6_addr" : "ipv4_addr";
  const key = name.includes("hosts") ? address : `${address} . inet_proto . inet_service`;
  const entries = [...elements].map(([element, verdict]) => `${element} : ${verdict}`).sort();
  const filled = entries.length === 0 ? "" : `elements = { ${entries.join(", ")} };`;
  return `map ${name} { type ${key} : verdict; ${filled} }`;
}
