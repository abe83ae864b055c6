import type { NetworkFacts } from "../../../api/network/network-facts.ts";
import { aGateway, aNetworkRow } from "../../../broker/wire/test-rows.ts";
import type { MemberAct } from "./recording.ts";
import type { Scenario, Step } from "./scenarios.ts";

const PODS = "10.1.0.0/16";
/** What the hub gives who asks first and second, out of its default pools. */
const FIRST = { global: "242.0.0.0/16", nodes: "242.1.0.0/24" };
const SECOND = { global: "242.2.0.0/16", nodes: "242.1.1.0/24" };
const KEY = Buffer.alloc(32, 7).toString("base64");

function act(member: string, what: MemberAct): Step {
  return { member, act: what };
}

/** As controllers do: the link starts, then it is known what is needed. */
function joined(member: string, incarnation = 1): readonly Step[] {
  return [
    act(member, { do: "start", incarnation, cidrs: [PODS], hasNetwork: true }),
    act(member, { do: "namespaces", names: ["shop"] }),
    act(member, { do: "complete" }),
    act(member, { do: "need", need: { podCidrs: [PODS], fixed: [] } }),
    { waitMs: 1_000 },
  ];
}

function says(member: string, change: Partial<NetworkFacts>): Step {
  const { kind: _kind, cluster: _cluster, ...facts } = aNetworkRow({ podCidrs: [PODS], ...change });
  return act(member, { do: "network", facts });
}

function holding({ global, nodes }: typeof FIRST): Partial<NetworkFacts> {
  return { globalPrefixes: [{ cidr: PODS, global }], nodePrefixes: [nodes] };
}

/** Members that tell each other about their networks. */
export const NETWORK_SCENARIOS: readonly Scenario[] = [
  {
    name: "networks",
    steps: [
      ...joined("east"),
      says("east", { ...holding(FIRST), responders: ["10.1.0.9:7946", "[fd00::9]:7946"] }),
      ...joined("west"),
      says("west", holding(SECOND)),
      // One that takes no part, as those of earlier versions: it is told nothing of networks.
      act("north", { do: "start", incarnation: 1, cidrs: ["10.1.0.0/16"] }),
      act("north", { do: "namespaces", names: ["shop"] }),
      act("north", { do: "complete" }),
      { waitMs: 1_000 },
      { check: true },
      says("east", {
        ...holding(FIRST),
        serviceCidrs: ["10.96.0.0/16", "fd00:96::/112"],
        backends: ["underlay", "overlay-cni", "vxlan", "proxy"],
        gateways: [
          aGateway({
            endpoints: ["192.0.2.1", "2001:db8::1"],
            tunnelAddresses: ["242.1.0.1"],
            publicKey: KEY,
            wgPort: 51_820,
          }),
          aGateway({ node: "n2", endpoints: ["192.0.2.2"], tunnelAddresses: ["242.1.0.2"] }),
        ],
        proxies: [{ endpoint: "east.example.com:7443" }, { endpoint: "[2001:db8::2]:7443" }],
        overlay: { mesh: "cilium-clustermesh", id: "east" },
      }),
      { check: true },
      act("east", { do: "network", facts: null }),
    ],
  },
  {
    name: "networks-resumed",
    steps: [
      ...joined("east"),
      says("east", holding(FIRST)),
      ...joined("west"),
      { check: true },
      { broker: { do: "break", member: "west" } },
      says("east", { ...holding(FIRST), backends: ["vxlan"], gateways: [aGateway()] }),
      { waitMs: 5_000 },
      { check: true },
      // Rows are lost, the book of global addresses is not: everybody keeps what it has.
      { broker: { do: "lose-store" } },
      { waitMs: 20_000 },
      { check: true },
      act("east", { do: "stop" }),
      { broker: { do: "remove", member: "east" } },
      { waitMs: 1_000 },
      { check: true },
      ...joined("east", 2),
      says("east", holding(FIRST)),
    ],
  },
  {
    name: "networks-refused",
    steps: [
      ...joined("east"),
      says("east", holding(FIRST)),
      ...joined("west"),
      says("west", holding(FIRST)),
      { check: true },
      says("west", holding(SECOND)),
      // More than any pool has room for, and one that is fixed.
      act("west", { do: "need", need: { podCidrs: [PODS, "11.0.0.0/8"], fixed: [] } }),
      { waitMs: 1_000 },
      { check: true },
      act("west", {
        do: "need",
        need: { podCidrs: [PODS], fixed: [{ cidr: PODS, global: "100.64.0.0/16" }] },
      }),
      { waitMs: 1_000 },
    ],
  },
];
