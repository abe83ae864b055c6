import { stringify } from "yaml";
import { z } from "zod";
import { systemClock } from "../../runtime/clock/system-clock.ts";
import { kubeSettings } from "../../runtime/config/common-settings.ts";
import { silentMeter } from "../../runtime/metrics/silent-meter.ts";
import { connectKube } from "../connect-kube.ts";
import { hubCrds, installCrds, migrateCrds, shippedCrds } from "../install-crds.ts";
import { ensureSystemNamespace, SYSTEM_NAMESPACE } from "../system-namespace.ts";
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
  }),
  async run({ settings, signal, env, out }) {
    const crds = settings.hub ? hubCrds() : shippedCrds();
    if (!settings.apply) {
      out.line(
        crds
          .map((crd) => stringify(crd))
          .join("---\n")
          .trimEnd(),
      );
      return 0;
    }
    const kube = connectKube(settings, env, silentMeter);
    if (!kube.ok) {
      out.problem(kube.error);
      return 1;
    }
    const installed = await installCrds(kube.value.client, systemClock, signal, crds);
    if (!installed.ok) {
      out.problem(installed.error);
      return 1;
    }
    for (const { name, decision } of installed.value) out.line(`${name}: ${decision}`);
    const rewritten = await migrateCrds(kube.value.client, systemClock, signal, crds);
    if (!rewritten.ok) {
      out.problem(rewritten.error);
      return 1;
    }
    for (const [name, count] of rewritten.value) {
      out.line(`${name}: ${count} objects rewritten to the storage version`);
    }
    if (!settings.ensureNamespace) return 0;
    const namespace = await ensureSystemNamespace(kube.value.client, signal);
    if (!namespace.ok) {
      out.problem(`cannot create namespace ${SYSTEM_NAMESPACE}: ${namespace.error.message}`);
      return 1;
    }
    out.line(`namespace ${SYSTEM_NAMESPACE}: ${namespace.value}`);
    return 0;
  },
});
