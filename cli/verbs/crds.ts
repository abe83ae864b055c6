import { z } from "zod";
import { err, ok } from "../../api/result.ts";
import { systemClock } from "../../runtime/clock/system-clock.ts";
import { kubeSettings } from "../../runtime/config/common-settings.ts";
import { connectPatiently } from "../cluster/connect-kube.ts";
import { hubCrds, installCrds, migrateCrds, shippedCrds } from "../cluster/install-crds.ts";
import { ensureSystemNamespace, SYSTEM_NAMESPACE } from "../cluster/system-namespace.ts";
import { manifestsText } from "../output/manifests-text.ts";
import { Receipt } from "../output/receipt.ts";
import { outputSetting } from "../output/render.ts";
import { defineVerb } from "../verb.ts";

export const crdsVerb = defineVerb({
  summary:
    "print the custom resource definitions, or install them, and our namespace, with --apply",
  settings: z.object({
    ...kubeSettings,
    hub: z
      .boolean()
      .default(false)
      .describe("those of the hub, for a broker with --store kubernetes, instead of a member's"),
    apply: z
      .boolean()
      .default(false)
      .describe("install them; newer ones that are there already are left alone"),
    ensureNamespace: z
      .boolean()
      .default(true)
      .describe(`with --apply: make namespace ${SYSTEM_NAMESPACE} too, where it is missing`),
    output: outputSetting,
  }),
  async run({ settings, signal, env, out }) {
    const crds = settings.hub ? hubCrds() : shippedCrds();
    if (!settings.apply) {
      out.line(manifestsText(crds, settings.output));
      return 0;
    }
    const receipt = new Receipt(settings.output, out);
    const kube = connectPatiently(settings, env, (text) => out.problem(text));
    if (!kube.ok) return receipt.end(kube);
    const installed = await installCrds(kube.value.client, systemClock, signal, crds);
    if (!installed.ok) return receipt.end(installed);
    for (const { name, decision } of installed.value) receipt.step({ what: name, did: decision });
    const rewritten = await migrateCrds(kube.value.client, systemClock, signal, crds);
    if (!rewritten.ok) return receipt.end(rewritten);
    for (const [name, count] of rewritten.value) {
      receipt.step({ what: name, did: `${count} objects rewritten to the storage version` });
    }
    if (!settings.ensureNamespace) return receipt.end(ok(undefined));
    const namespace = await ensureSystemNamespace(kube.value.client, signal);
    if (!namespace.ok) {
      const why = namespace.error.message;
      return receipt.end(err(`cannot create namespace ${SYSTEM_NAMESPACE}: ${why}`));
    }
    receipt.step({ what: `namespace ${SYSTEM_NAMESPACE}`, did: namespace.value });
    return receipt.end(ok(undefined));
  },
});
