import { markMask, markOf } from "./route-tables.ts";
import type { VxlanSettings } from "./settings.ts";

/** A gateway that flows come from, and the slot that stands for it in marks. */
export interface MarkedGateway {
  readonly slot: number;
  readonly mac: string;
}

/**
 * What a flow came through, it goes back through: with several gateways only the one that has seen the request knows
 * (in conntrack) that the answer of a UDP server is an answer. The first machine behind the gateway notes it in the flow's
 * conntrack mark, and turns the mark into one of the answering packets, for which an `ip rule` has a table. Other bits of
 * either mark stay as they are. TCP needs none of it: whatever gateway its answers go by, they are told by their flags. What the machine
 * itself answers are probes alone, which have routes of their own: a chain for output would be met by each packet of the tunnel.
 */
export function markChains(
  devices: string,
  gateways: readonly MarkedGateway[],
  settings: Pick<VxlanSettings, "markShift" | "markBits">,
): readonly string[] {
  if (gateways.length === 0) return [];
  const mask = markMask(settings);
  const others = hex(~mask >>> 0);
  const sorted = [...gateways].sort((a, b) => a.slot - b.slot);
  const marks = sorted.map(({ slot }) => ({ slot, mark: hex(markOf(settings, slot)) }));
  const jumps = marks.map(({ slot, mark }) => `${mark} : jump through_${slot}`).join(", ");
  const answers = `ct direction reply ct mark & ${hex(mask)} vmap { ${jumps} }`;
  const came = sorted.map(({ slot, mac }) => `${mac} : goto came_${slot}`).join(", ");
  return [
    ...marks.flatMap(({ slot, mark }) => [
      `chain through_${slot} { meta mark set meta mark & ${others} | ${mark}; }`,
      `chain came_${slot} { ct mark set ct mark & ${others} | ${mark}; }`,
    ]),
    chain("remember", "type filter hook prerouting priority mangle + 5; policy accept;", [
      // The tunnel's own packets among them, which are most of all.
      "ct state untracked accept",
      "meta l4proto tcp accept",
      `iifname ${devices} ct direction original ether saddr vmap { ${came} }`,
      `iifname != ${devices} ${answers}`,
    ]),
  ];
}

export function chain(name: string, head: string, rules: readonly string[]): string {
  return [`chain ${name} {`, `  ${head}`, ...rules.map((rule) => `  ${rule}`), "}"].join("\n");
}

function hex(value: number): string {
  return `0x${value.toString(16)}`;
}
