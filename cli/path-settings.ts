import { z } from "zod";
import { BACKEND_NAMES } from "../api/network/backend-name.ts";
import { cidrAround, formatCidr } from "../api/network/cidr.ts";
import { addressBits, parseIpAddress } from "../api/network/ip-address.ts";
import { meetsNever } from "../api/network/member-cidr.ts";
import { ok, type Result } from "../api/result.ts";
import { DEFAULT_CHOICE_SETTINGS } from "../connectivity/select/choose-path.ts";
import type { PathSettings } from "../connectivity/select/path-settings.ts";
import { parsePins } from "../connectivity/select/pins.ts";
import { durationSetting, listenSetting } from "../runtime/config/common-settings.ts";
import type { ListenAddress } from "../runtime/net/listen-address.ts";

/** How peers are reached. Pins and times are followed in a `--config` file, the rest waits for a restart. */
export const pathSettings = {
  backends: z
    .array(z.enum(BACKEND_NAMES))
    .default([])
    .describe(
      "ways to reach other clusters that this one has: underlay, overlay-cni, vxlan, proxy; the first healthy one that both have is used; none given: pod addresses as they are, untested",
    ),
  pin: z
    .array(z.string())
    .default([])
    .describe(
      'what is not left to choice: "<cluster>=<backend>", "<namespace>/*=<backend>" or "<namespace>/<service>=<backend>"',
    ),
  betterAfter: durationSetting(
    "10s",
    "how long a better way must have been up before it is used again; the longer the oftener it died",
  ),
  ignoreCniImports: z
    .boolean()
    .default(false)
    .describe(
      "import though the CNI has a controller that imports services too: somebody keeps it from doing so",
    ),
  probeListen: listenSetting
    .superRefine((listen, context) => {
      const problem = whyNoResponder(listen);
      if (problem !== undefined) context.addIssue({ code: "custom", message: problem });
    })
    .optional()
    .describe(
      "UDP address at which probes of other clusters are answered, in the pod network; default: none are",
    ),
} as const;

/** Others are told of the address, and the hub refuses a network row with one that is nobody's outside (SEC-06). */
function whyNoResponder({ host }: ListenAddress): string | undefined {
  if (host === undefined || host === "::" || host === "0.0.0.0") return undefined;
  const address = parseIpAddress(host);
  const rule = "other clusters probe it: must be an address in the pod network, or none for all";
  if (!address.ok) return `${rule}: got ${JSON.stringify(host)}`;
  const hit = meetsNever(cidrAround(address.value, addressBits(address.value.family)));
  return hit === undefined
    ? undefined
    : `${rule}, not of ${formatCidr(hit)}: got ${JSON.stringify(host)}`;
}

export interface PathSettingsGiven {
  readonly pin: readonly string[];
  readonly betterAfter: number;
}

export function toPathSettings({
  pin,
  betterAfter,
}: PathSettingsGiven): Result<PathSettings, string> {
  const pins = parsePins(pin);
  if (!pins.ok) return pins;
  const choice = { ...DEFAULT_CHOICE_SETTINGS, betterForMs: betterAfter };
  return ok({ choice, pins: pins.value });
}
