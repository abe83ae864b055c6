/** Bytes that VXLAN puts around an IP packet: outer IP, UDP 8, VXLAN 8, inner Ethernet 14 (RFC 7348 section 5). */
const AROUND_V4 = 20 + 8 + 8 + 14;
const AROUND_V6 = 40 + 8 + 8 + 14;

/** Below it IPv6 does not work (RFC 8200 section 5). */
export const MTU_MIN_V6 = 1_280;
/** What every IPv4 host takes (RFC 791). */
const MTU_MIN_V4 = 576;

/** How large packets inside a tunnel may be, and whether their envelopes may be cut. */
export interface TunnelSize {
  readonly mtu: number;
  readonly dontFragment: boolean;
}

/**
 * Packets fit into their envelopes as long as that leaves room enough for the families inside. Where it does not, IPv4
 * envelopes may be cut: slow, but it works. Otherwise they may not, so that the path's MTU shows. IPv6 envelopes are never cut
 * (the kernel refuses), which makes 1350 the least MTU for IPv6 inside IPv6.
 */
export function tunnelSize(
  outerMtu: number,
  outerIsV6: boolean,
  inside: readonly string[],
): TunnelSize {
  const room = outerMtu - (outerIsV6 ? AROUND_V6 : AROUND_V4);
  const least = inside.some(isV6) ? MTU_MIN_V6 : MTU_MIN_V4;
  return { mtu: Math.max(room, least), dontFragment: !outerIsV6 && room >= least };
}

export function isV6(text: string): boolean {
  return text.includes(":");
}

/** The first address of the family. */
export function ofFamily(addresses: readonly string[], v6: boolean): string | undefined {
  return addresses.find((address) => isV6(address) === v6);
}
