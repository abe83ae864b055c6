import type { IpAddress } from "../../../../api/network/ip-address.ts";

interface Special {
  readonly text: string;
  readonly v4?: readonly [base: bigint, bits: bigint];
  readonly v6?: readonly [base: bigint, bits: bigint];
}

/** Addresses no endpoint may have: they would lead into the client's own node or network. */
const SPECIAL: readonly Special[] = [
  { text: "may not be unspecified (0.0.0.0 or ::)", v4: [0n, 32n], v6: [0n, 128n] },
  {
    text: "may not be in the loopback range (127.0.0.0/8, ::1/128)",
    v4: [0x7f00_0000n, 8n],
    v6: [1n, 128n],
  },
  {
    text: "may not be in the link-local range (169.254.0.0/16, fe80::/10)",
    v4: [0xa9fe_0000n, 16n],
    v6: [0xfe80n << 112n, 10n],
  },
  {
    text: "may not be in the link-local multicast range (224.0.0.0/24, ff02::/10)",
    v4: [0xe000_0000n, 24n],
    v6: [0xff02n << 112n, 16n],
  },
];

/** What is wrong with an endpoint's address, in the words of the real server. */
export function specialIpProblems(ip: IpAddress): readonly string[] {
  const mapped = ip.family === "IPv6" && ip.value >> 32n === 0xffffn;
  const value = mapped ? ip.value & 0xffff_ffffn : ip.value;
  const isV4 = ip.family === "IPv4" || mapped;
  return SPECIAL.filter(({ v4, v6 }) => {
    const range = isV4 ? v4 : v6;
    if (range === undefined) return false;
    const [base, bits] = range;
    const shift = (isV4 ? 32n : 128n) - bits;
    return value >> shift === base >> shift;
  }).map(({ text }) => text);
}
