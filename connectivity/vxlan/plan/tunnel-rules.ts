import { chain } from "./mark-rules.ts";
import { anonymousSet } from "./rule-sets.ts";

// Rules that nodes and gateways have alike. Every packet of the machine meets them, whoever's it is: what is not meant is let go by
// the cheapest test that tells it. To compare the name of a device is no cheap one.

/** Who takes part in a tunnel. */
export interface TunnelEnds {
  /** UDP port at which it is received here. */
  readonly port: number;
  /** UDP ports at which others receive it. */
  readonly otherPorts: readonly number[];
  readonly own: readonly string[];
  readonly others: readonly string[];
  /** What its packets come over, as a match; absent: whatever has the others' addresses. */
  readonly over?: string;
}

export const FAMILIES = ["ip", "ip6"] as const;
export type RuleFamily = (typeof FAMILIES)[number];

/** A whole packet, not a piece of one. */
export const WHOLE: Readonly<Record<RuleFamily, string>> = {
  ip: "ip frag-off & 0x3fff == 0",
  ip6: "exthdr frag missing",
};

/** A piece that others follow. */
const CUT: Readonly<Record<RuleFamily, string>> = {
  ip: "ip frag-off & 0x2000 != 0",
  ip6: "exthdr frag exists",
};

/**
 * What is done with the tunnel's own packets where they arrive: those of who takes part are taken, nobody else's, and conntrack does not
 * follow them. Nothing asks about them, each flow inside would have an entry more, and to look it up costs as much as a good part of our
 * rules. Pieces of a packet are followed, since conntrack puts them together. What other machines are asked at the same port is none of
 * them. The chain's other rules are not for the machine's own address underneath, so these packets are spared them; a packet out of a
 * tunnel that has the same addresses and port is spared them too, and meets the filter, which opens no such address.
 */
export function outerChains({ port, own, others, over }: TunnelEnds): {
  readonly chains: readonly string[];
  /** For a chain at prerouting. */
  readonly rule: string;
} {
  const senders = FAMILIES.flatMap((family) => {
    const from = anonymousSet(others, family);
    return from === undefined ? [] : [`${family} saddr ${from}`];
  });
  const unfollowed = FAMILIES.flatMap((family) => {
    const to = anonymousSet(own, family);
    return to === undefined ? [] : [`${family} daddr ${to} ${WHOLE[family]} notrack accept`];
  });
  return {
    chains: [
      chain("known", "", unfollowed),
      chain("outer", "", [
        ...(over === undefined ? senders : [over]).map((match) => `${match} goto known`),
        "fib daddr type local counter drop",
      ]),
    ],
    rule: `udp dport ${port} jump outer`,
  };
}

/** Nor does conntrack follow those that leave. */
export function unfollowedChain({ otherPorts, others }: TunnelEnds): string {
  const ports = [...new Set(otherPorts)].sort((a, b) => a - b);
  return chain(
    "unfollowed",
    "type filter hook output priority raw - 10; policy accept;",
    FAMILIES.flatMap((family) => {
      const to = anonymousSet(others, family);
      return to === undefined || ports.length === 0
        ? []
        : [`udp dport { ${ports.join(", ")} } ${family} daddr ${to} notrack`];
    }),
  );
}

/**
 * For packets from the tunnel, before conntrack puts together what was cut (-400): a probe that was cut on its way is
 * dropped, so that the largest one that is answered tells what the path carries in one piece.
 */
export function cutProbes(
  families: readonly RuleFamily[],
  probePort: number,
): {
  readonly chains: readonly string[];
  readonly rules: readonly string[];
} {
  return {
    chains: [chain("cut", "", [`udp dport ${probePort} drop`, `udp sport ${probePort} drop`])],
    rules: families.map((family) => `${CUT[family]} jump cut`),
  };
}

/** Routes have the measured MTU: no side of a TCP connection sends segments that would not fit into it (RFC 9293 section 3.7.1). */
export function clampChains(devices: string): readonly string[] {
  return [
    chain("clamp_opening", "", [
      // Looks at the way back, too.
      `oifname ${devices} tcp option maxseg size set rt mtu accept`,
      `iifname ${devices} tcp option maxseg size set rt mtu`,
    ]),
    chain("clamp", "type filter hook forward priority filter - 10; policy accept;", [
      "tcp flags & (syn | rst) == syn jump clamp_opening",
    ]),
  ];
}

/**
 * Who has an address in one of these networks goes to this chain, by a rule for each network: to compare an address is done in place,
 * while to read the name of a device or to look into a set of networks are calls of functions.
 */
export function addressed(
  field: "saddr" | "daddr",
  networks: readonly string[],
  chainName: string,
): readonly string[] {
  return networks.map(
    (network) => `${network.includes(":") ? "ip6" : "ip"} ${field} ${network} goto ${chainName}`,
  );
}

/** Families of addresses that these texts are of. */
export function ruleFamilies(texts: readonly string[]): readonly RuleFamily[] {
  return FAMILIES.filter((family) =>
    texts.some((text) => text.includes(":") === (family === "ip6")),
  );
}
