import { z } from "zod";
import { BACKEND_NAMES } from "../../api/network/backend-name.ts";
import { ok, type Result } from "../../api/result.ts";
import { DEFAULT_CHOICE_SETTINGS } from "../../connectivity/select/choose-path.ts";
import type { PathSettings } from "../../connectivity/select/path-settings.ts";
import { parsePins } from "../../connectivity/select/pins.ts";
import { durationSetting } from "../../runtime/config/common-settings.ts";
import { probeListenSetting } from "./probe-listen-setting.ts";

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
  probeListen: probeListenSetting,
} as const;

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
