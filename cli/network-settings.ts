import { z } from "zod";
import { formatCidr, parseCidr } from "../api/network/cidr.ts";
import { ENCRYPTIONS } from "../api/network/member-network.ts";
import type { GlobalPrefix } from "../api/network/network-facts.ts";
import { err, ok, type Result } from "../api/result.ts";
import type { NetworkSettings } from "../controllers/network/derive-network.ts";

/** What a member that takes part in connectivity (`--backends`) says about its network, where it cannot be seen. */
export const networkSettings = {
  serviceCidrs: z
    .array(z.string())
    .default([])
    .describe("CIDRs of this cluster's Services, told to other clusters"),
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
      cidr.value.family === global.value.family &&
      cidr.value.prefix === global.value.prefix;
    if (!isPair) {
      return err(
        `cannot use --global-prefix: must be cidr=global, two networks of one family and length: got ${JSON.stringify(text)}`,
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

function canonical(texts: readonly string[]): readonly string[] {
  return texts.flatMap((text) => {
    const parsed = parseCidr(text);
    return parsed.ok ? [formatCidr(parsed.value)] : [];
  });
}
