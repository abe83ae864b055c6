import { z } from "zod";
import { type Cidr, cidrAround, formatCidr, parseCidr } from "../../api/network/cidr.ts";
import { formatIpAddress, parseIpAddress } from "../../api/network/ip-address.ts";
import { MEMBER_CIDRS_MAX, meetsNever } from "../../api/network/member-cidr.ts";
import { ENCRYPTIONS } from "../../api/network/member-network.ts";
import type { GlobalPrefix } from "../../api/network/network-facts.ts";
import { err, ok, type Result } from "../../api/result.ts";
import { aggregateNetworks } from "../../controllers/network/aggregate-networks.ts";
import type { NetworkSettings } from "../../controllers/network/derive-network.ts";

/** What a member that takes part in connectivity (`--backends`) says about its network, where it cannot be seen. */
export const networkSettings = {
  serviceCidrs: z
    .array(z.string())
    .default([])
    .describe(
      "CIDRs of this cluster's Services, told to other clusters; default: those of its ServiceCIDR objects",
    ),
  globalPrefix: z
    .array(z.string())
    .default([])
    .describe(
      'what a pod network is to be in the rest of the clusterset, "cidr=global"; the hub checks that nobody else has it; default: the hub chooses',
    ),
  encryption: z
    .enum(ENCRYPTIONS)
    .default("none")
    .describe("of traffic between gateways of different clusters: none or wireguard"),
  tunnelMtu: z
    .int()
    .min(576)
    .max(65_535)
    .optional()
    .describe("MTU of the tunnel between clusters, bytes; default: measured"),
} as const;

export interface NetworkSettingsGiven {
  readonly cidrs: readonly string[];
  readonly serviceCidrs: readonly string[];
  readonly globalPrefix: readonly string[];
  readonly encryption: NetworkSettings["encryption"];
  readonly tunnelMtu?: number | undefined;
}

export interface MemberNetworkOptions {
  readonly settings: NetworkSettings;
  readonly fixed: readonly GlobalPrefix[];
}

/** Error: which setting, the rule and the value. */
export function toNetworkOptions(
  given: NetworkSettingsGiven,
): Result<MemberNetworkOptions, string> {
  const { cidrs, serviceCidrs, encryption, tunnelMtu } = given;
  if (given.globalPrefix.length > MEMBER_CIDRS_MAX) {
    return err(
      `cannot use --global-prefix: must be at most ${MEMBER_CIDRS_MAX}: got ${given.globalPrefix.length}`,
    );
  }
  for (const text of [...cidrs, ...serviceCidrs]) {
    const parsed = parseCidr(text);
    if (!parsed.ok) return parsed;
  }
  const fixed: GlobalPrefix[] = [];
  for (const text of given.globalPrefix) {
    const [from = "", to = "", ...rest] = text.split("=");
    const [cidr, global] = [parseCidr(from), parseCidr(to)];
    const isPair =
      cidr.ok &&
      global.ok &&
      rest.length === 0 &&
      meetsNever(cidr.value) === undefined &&
      meetsNever(global.value) === undefined &&
      cidr.value.family === global.value.family &&
      cidr.value.prefix === global.value.prefix;
    if (!isPair) {
      return err(
        `cannot use --global-prefix: must be cidr=global, two networks of one family and length, not loopback, link-local or multicast: got ${JSON.stringify(text)}`,
      );
    }
    fixed.push({ cidr: formatCidr(cidr.value), global: formatCidr(global.value) });
  }
  const mtu = tunnelMtu === undefined ? {} : { mtu: tunnelMtu };
  return ok({
    settings: {
      podCidrs: canonical(cidrs),
      serviceCidrs: canonical(serviceCidrs),
      encryption,
      ...mtu,
    },
    fixed,
  });
}

/**
 * What the broker is told to hold this member's endpoints to, never more than it takes: too many become fewer that hold them.
 * Error: one that cannot be read, as the broker would say.
 */
export function announcedCidrs(texts: readonly string[]): Result<readonly string[], string> {
  const wanted: Cidr[] = [];
  for (const text of texts) {
    const cidr = parseCidrLoosely(text);
    if (!cidr.ok) return err(`cannot use --cidrs: ${cidr.error}`);
    wanted.push(cidr.value);
  }
  if (wanted.length <= MEMBER_CIDRS_MAX) return ok(texts);
  const whole = { wanted, known: [], avoid: [], few: MEMBER_CIDRS_MAX };
  const narrow = aggregateNetworks(whole);
  // Wider than what it holds is no harm here: fewer endpoints are refused. One left out would be one refused wrongly.
  const { networks } =
    narrow.left.length === 0 ? narrow : aggregateNetworks({ ...whole, spread: 1n << 128n });
  return ok(networks.map(formatCidr));
}

/** Bits beyond the prefix do not matter, as to the broker. */
function parseCidrLoosely(text: string): Result<Cidr, string> {
  const [addressText = "", prefix, ...rest] = text.split("/");
  const address = parseIpAddress(addressText);
  if (!address.ok || prefix === undefined || rest.length > 0) return parseCidr(text);
  const whole = parseCidr(`${formatIpAddress({ ...address.value, value: 0n })}/${prefix}`);
  return whole.ok ? ok(cidrAround(address.value, whole.value.prefix)) : parseCidr(text);
}

function canonical(texts: readonly string[]): readonly string[] {
  return texts.flatMap((text) => {
    const parsed = parseCidr(text);
    return parsed.ok ? [formatCidr(parsed.value)] : [];
  });
}
