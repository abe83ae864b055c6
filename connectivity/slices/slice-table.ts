import type { ClusterId } from "../../api/cluster-id.ts";
import type { EndpointSlice } from "../../api/kube/endpoint-slice.ts";
import { LABEL_SOURCE_CLUSTER } from "../../api/mcs/labels.ts";
import type { Slice } from "../../api/slices/slice.ts";
import type { SliceSet } from "../../api/slices/slice-set.ts";
import { bothAddresses, type FilterScope, sliceElements } from "../vxlan/plan/filter-contents.ts";
import type { NftTable } from "../vxlan/plan/kernel-state.ts";
import { chain } from "../vxlan/plan/mark-rules.ts";
import { QUEUE_MAJOR } from "../vxlan/plan/queue-entries.ts";
import { anonymousSet, deviceSet } from "../vxlan/plan/rule-sets.ts";
import { sliceClasses } from "./slice-queues.ts";

export const SLICE_TABLE = "isthmus_slices";
/** Counters of what slices refuse, and which way it went. */
export const SLICE_DENIED_COUNTERS = { slices_denied_in: "in", slices_denied_out: "out" } as const;

export interface SliceTableInput {
  readonly slices: SliceSet;
  /** Addresses of the own cluster's pods in each slice, by its name. */
  readonly members: ReadonlyMap<string, readonly string[]>;
  /** MCS slices of all services, own and others'. */
  readonly endpoints: Iterable<EndpointSlice>;
  readonly scope: FilterScope;
  /** Devices to other clusters. */
  readonly devices: readonly string[];
}

/**
 * What slices refuse of that which exports let pass, and which class what passes is in. It only takes away: its chains
 * stand before those of the filter (`vxlan/plan/filter-table.ts`), and what they accept meets those next. Requests that leave
 * must come from a pod in the slice, those that arrive from a cluster of it; the sender's own gateway has judged its pods. Empty
 * without slices.
 */
export function sliceTable({
  slices,
  members,
  endpoints,
  scope,
  devices,
}: SliceTableInput): NftTable {
  if (slices.slices.length === 0) return { name: SLICE_TABLE, body: "" };
  const maps = targets(slices, endpoints, scope);
  const numbered = slices.slices.map((slice, number) => ({ slice, number }));
  const classes = sliceClasses(slices.slices);
  const wan = deviceSet(devices);
  const out = [
    `oifname != ${wan} accept`,
    ...["ip", "ip6"].flatMap((family) => [
      `${family} daddr . meta l4proto . th dport vmap @asked${digit(family)}`,
      `${family} saddr . meta l4proto . th sport vmap @answering${digit(family)}`,
    ]),
    "icmp type echo-request ip daddr vmap @asked_hosts4",
    "icmpv6 type echo-request ip6 daddr vmap @asked_hosts6",
  ];
  const body = [
    ...Object.keys(SLICE_DENIED_COUNTERS).map((name) => `counter ${name} { }`),
    chain("refuse", "", [
      "counter name slices_denied_out",
      "meta l4proto tcp reject with tcp reset",
      "reject with icmpx admin-prohibited",
    ]),
    chain("ignore", "", ["counter name slices_denied_in", "drop"]),
    ...numbered.flatMap(({ slice, number }) =>
      sliceChains(slice, number, { members, scope, minor: classes.get(slice.name) }),
    ),
    ...Object.entries(maps).map(([name, elements]) => mapText(name, elements)),
    chain("to_tunnel", "type filter hook forward priority filter - 6; policy accept;", out),
    chain("own_to_tunnel", "type filter hook output priority filter - 6; policy accept;", out),
    chain("from_tunnel", "type filter hook prerouting priority mangle + 9; policy accept;", [
      `iifname != ${wan} accept`,
      ...["ip", "ip6"].map(
        (family) => `${family} daddr . meta l4proto . th dport vmap @offered${digit(family)}`,
      ),
      "icmp type echo-request ip daddr vmap @offered_hosts4",
      "icmpv6 type echo-request ip6 daddr vmap @offered_hosts6",
    ]),
  ];
  return { name: SLICE_TABLE, body: body.join("\n") };
}

interface Judging {
  readonly members: SliceTableInput["members"];
  readonly scope: FilterScope;
  /** Of its class of traffic, if it has one. */
  readonly minor: number | undefined;
}

function sliceChains(
  { name, clusters }: Slice,
  number: number,
  { members, scope, minor }: Judging,
): readonly string[] {
  const pods = (members.get(name) ?? []).flatMap((text) => bothAddresses(text, scope.maps));
  const peers = clusters.flatMap((cluster) => scope.peers.get(cluster) ?? []);
  const from = (texts: readonly string[], field: string, verdict: string) =>
    (["ip", "ip6"] as const).flatMap((family) => {
      const set = anonymousSet(texts, family);
      return set === undefined ? [] : [`${family} ${field} ${set} ${verdict}`];
    });
  return [
    chain(`pass_${number}`, "", [
      ...(minor === undefined ? [] : [`meta priority set ${classId(minor)}`]),
      "accept",
    ]),
    chain(`ask_${number}`, "", [...from(pods, "saddr", `goto pass_${number}`), "goto refuse"]),
    chain(`answer_${number}`, "", [...from(peers, "daddr", `goto pass_${number}`), "goto refuse"]),
    chain(`offer_${number}`, "", [...from(peers, "saddr", "accept"), "goto ignore"]),
  ];
}

const MAPS = [
  ...["asked4", "asked6", "answering4", "answering6", "offered4", "offered6"],
  ...["asked_hosts4", "asked_hosts6", "offered_hosts4", "offered_hosts6"],
];

/** Which chain judges packets about an endpoint. Of two slices that want the same one, the first by name has it. */
function targets(
  slices: SliceSet,
  endpoints: Iterable<EndpointSlice>,
  scope: FilterScope,
): Readonly<Record<string, ReadonlyMap<string, string>>> {
  const maps = Object.fromEntries(MAPS.map((name) => [name, new Map<string, string>()]));
  const judged = [...endpoints].flatMap((endpoint) => {
    const { namespace = "", labels } = endpoint.metadata;
    if (!slices.claims(namespace)) return [];
    // The API server's objects, which our controllers have written for parsed ids.
    const source = (labels?.[LABEL_SOURCE_CLUSTER] ?? "") as ClusterId;
    const slice = slices.sliceOf({ cluster: source, namespace });
    return [{ endpoint, number: slice === undefined ? -1 : slices.slices.indexOf(slice) }];
  });
  for (const { endpoint, number } of judged.sort((a, b) => a.number - b.number)) {
    for (const { set, element } of sliceElements(endpoint, scope)) {
      for (const [name, verdict] of chainsOf(set, number)) {
        const map = maps[name];
        if (map !== undefined && !map.has(element)) map.set(element, verdict);
      }
    }
  }
  return maps;
}

/** Of a set of the filter: the maps that an element of it goes to, and its chain there; -1: of no slice that holds it. */
function chainsOf(set: string, number: number): readonly (readonly [string, string])[] {
  const to = (chainName: string, otherwise: string): string =>
    number < 0 ? `goto ${otherwise}` : `goto ${chainName}_${number}`;
  const family = set.slice(-1);
  switch (set.slice(0, -1)) {
    case "imported":
      return [[`asked${family}`, to("ask", "refuse")]];
    case "imported_hosts":
      return [[`asked_hosts${family}`, to("ask", "refuse")]];
    case "exported":
      return [
        [`offered${family}`, to("offer", "ignore")],
        [`answering${family}`, to("answer", "refuse")],
      ];
    default:
      return [[`offered_hosts${family}`, to("offer", "ignore")]];
  }
}

function mapText(name: string, elements: ReadonlyMap<string, string>): string {
  const address = name.endsWith("6") ? "ipv6_addr" : "ipv4_addr";
  const key = name.includes("hosts") ? address : `${address} . inet_proto . inet_service`;
  const entries = [...elements].map(([element, verdict]) => `${element} : ${verdict}`).sort();
  const filled = entries.length === 0 ? "" : `elements = { ${entries.join(", ")} };`;
  return `map ${name} { type ${key} : verdict; ${filled} }`;
}

function classId(minor: number): string {
  return `${QUEUE_MAJOR}:${minor.toString(16)}`;
}

function digit(family: string): string {
  return family === "ip6" ? "6" : "4";
}
