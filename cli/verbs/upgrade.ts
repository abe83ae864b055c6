import { z } from "zod";
import { err, ok, type Result } from "../../api/result.ts";
import { commonSettings } from "../../install/common-settings.ts";
import { systemClock } from "../../runtime/clock/system-clock.ts";
import { kubeSettings } from "../../runtime/config/common-settings.ts";
import { silentMeter } from "../../runtime/metrics/silent-meter.ts";
import { connectKube } from "../connect-kube.ts";
import { applyInstall } from "../install/apply-install.ts";
import { type Part, readRecord } from "../install/install-record.ts";
import { render } from "../install/render.ts";
import { defineVerb } from "../verb.ts";

type Deps = Parameters<typeof applyInstall>[2];

export const upgradeVerb = defineVerb({
  summary:
    "bring what was installed in this cluster, hub and member, to this program's version, with the same settings",
  settings: z.object({
    ...kubeSettings,
    namespace: commonSettings.namespace,
    image: z.string().optional().describe("image to run from now on; default: as installed"),
  }),
  async run({ settings, signal, env, out }) {
    const kube = connectKube(settings, env, silentMeter);
    if (!kube.ok) {
      out.problem(kube.error);
      return 1;
    }
    const deps = { client: kube.value.client, clock: systemClock, signal, out };
    let found = 0;
    for (const part of ["hub", "member"] as const) {
      const upgraded = await upgradePart(part, settings, deps);
      if (!upgraded.ok) {
        out.problem(upgraded.error);
        return 1;
      }
      if (upgraded.value) found += 1;
    }
    if (found > 0) return 0;
    out.problem(`nothing was installed in namespace ${settings.namespace}`);
    return 1;
  },
});

/** @returns whether it was there. */
async function upgradePart(
  part: Part,
  { namespace, image }: { readonly namespace: string; readonly image?: string | undefined },
  deps: Deps,
): Promise<Result<boolean, string>> {
  const record = await readRecord(part, namespace, deps);
  if (!record.ok) return record;
  if (record.value === undefined) return ok(false);
  const settings = { ...record.value.settings, ...(image === undefined ? {} : { image }) };
  const objects = render(part, settings);
  if (!objects.ok) return err(`cannot upgrade the ${part}: ${objects.error}`);
  const applied = await applyInstall(part, { namespace, settings, objects: objects.value }, deps);
  return applied.ok ? ok(true) : applied;
}
