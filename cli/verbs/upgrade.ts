import { z } from "zod";
import { err, ok, type Result } from "../../api/result.ts";
import { commonSettings } from "../../install/common-settings.ts";
import { gatewaySettings } from "../../install/gateway-settings.ts";
import { systemClock } from "../../runtime/clock/system-clock.ts";
import { kubeSettings } from "../../runtime/config/common-settings.ts";
import { connectPatiently } from "../cluster/connect-kube.ts";
import { applyInstall } from "../install/apply-install.ts";
import { type Part, readRecord } from "../install/install-record.ts";
import { render, unknownSettings } from "../install/render.ts";
import { ONWARDS } from "../install/run-install.ts";
import { Receipt } from "../output/receipt.ts";
import { outputSetting } from "../output/render.ts";
import { defineVerb } from "../verb.ts";

type Deps = Parameters<typeof applyInstall>[2];

export const upgradeVerb = defineVerb({
  summary:
    "bring what was installed in this cluster, hub and member, to this program's version, with the same settings",
  settings: z.object({
    ...kubeSettings,
    namespace: commonSettings.namespace,
    image: z.string().optional().describe("image to run from now on; default: as installed"),
    netImage: z
      .string()
      .optional()
      .describe("image to run gateways and node agents from now on; default: as installed"),
    force: z
      .boolean()
      .default(false)
      .describe(
        "go on although this version does not know settings of the install; they stay on record",
      ),
    output: outputSetting,
  }),
  async run({ settings, signal, env, out }) {
    const kube = connectPatiently(settings, env, (text) => out.problem(text));
    const receipt = new Receipt(settings.output, out);
    if (!kube.ok) return receipt.end(kube);
    const deps = { client: kube.value.client, clock: systemClock, signal, out: receipt };
    if (!settings.force) {
      const known = await refuseUnknown(settings.namespace, deps);
      if (!known.ok) return receipt.end(known);
    }
    let found = 0;
    for (const part of ["hub", "member"] as const) {
      const upgraded = await upgradePart(part, settings, deps);
      if (!upgraded.ok)
        return receipt.end(err(`cannot upgrade the ${part}: ${upgraded.error}`), ONWARDS);
      if (upgraded.value) found += 1;
    }
    const nothing = err(`nothing was installed in namespace ${settings.namespace}`);
    return receipt.end(found > 0 ? ok(undefined) : nothing);
  },
});

/** Before anything is changed, of either part. Error: which settings would have no effect any more. */
async function refuseUnknown(namespace: string, deps: Deps): Promise<Result<undefined, string>> {
  const dropped: string[] = [];
  for (const part of ["hub", "member"] as const) {
    const record = await readRecord(part, namespace, deps);
    if (!record.ok) return record;
    if (record.value === undefined) continue;
    const names = unknownSettings(part, record.value);
    dropped.push(...names.map((name) => `${name} (${part})`));
  }
  if (dropped.length === 0) return ok(undefined);
  return err(
    `cannot upgrade: this version does not know settings that were installed, and would go on without them: ${dropped.join(", ")}; with --force it does, and keeps them on record for the way back; nothing was changed`,
  );
}

interface Wanted {
  readonly namespace: string;
  readonly image?: string | undefined;
  readonly netImage?: string | undefined;
}

/** @returns whether it was there. */
async function upgradePart(
  part: Part,
  { namespace, image, netImage }: Wanted,
  deps: Deps,
): Promise<Result<boolean, string>> {
  const record = await readRecord(part, namespace, deps);
  if (!record.ok) return record;
  if (record.value === undefined) return ok(false);
  const settings = {
    ...record.value.settings,
    ...(image === undefined ? {} : { image }),
    ...(netImage === undefined || part === "hub" ? {} : { netImage }),
  };
  for (const name of unknownSettings(part, record.value)) {
    const was = JSON.stringify(record.value.settings[name]);
    const detail = `this version does not know it; on record for the way back: ${was}`;
    deps.out.step(
      { what: `setting ${name} of the ${part}`, did: "without effect", detail },
      `setting ${name} of the ${part}: without effect: ${detail}`,
    );
  }
  const objects = render(part, settings);
  if (!objects.ok) return objects;
  const applied = await applyInstall(part, { namespace, settings, objects: objects.value }, deps);
  const onNodes = objects.value.some(({ kind }) => kind === "DaemonSet");
  if (applied.ok && onNodes && image !== undefined && netImage === undefined) {
    const kept = gatewaySettings.netImage.parse(record.value.settings["netImage"]);
    const detail = `image ${kept} stays, and with it their version; --net-image names another`;
    const what = "gateways and node agents";
    deps.out.step({ what, did: "unchanged", detail }, `${what}: ${detail}`);
  }
  return applied.ok ? ok(true) : applied;
}
