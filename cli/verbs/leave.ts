import { z } from "zod";
import { ok } from "../../api/result.ts";
import { systemClock } from "../../runtime/clock/system-clock.ts";
import { kubeSettings } from "../../runtime/config/common-settings.ts";
import { silentMeter } from "../../runtime/metrics/silent-meter.ts";
import { connectKube } from "../connect-kube.ts";
import { identityPlaceOf, identitySettings } from "../identity-place.ts";
import { cleanUp, leavingSettings, receiptLines, tellBroker } from "../leaving.ts";
import { savedStateFile } from "../saved-state-file.ts";
import { defineVerb } from "../verb.ts";

export const leaveVerb = defineVerb({
  summary: "take this cluster out of its clusterset and remove what Isthmus made in it",
  settings: z.object({
    ...kubeSettings,
    ...identitySettings,
    ...leavingSettings,
  }),
  async run({ settings, signal, env, out }) {
    const kube = connectKube(settings, env, silentMeter);
    if (!kube.ok) {
      out.problem(kube.error);
      return 1;
    }
    const { client } = kube.value;
    const place = identityPlaceOf(settings, () => ok(client), { clock: systemClock, signal });
    if (!place.ok) {
      out.problem(place.error);
      return 1;
    }
    if (!settings.localOnly) {
      const told = await tellBroker(place.value, settings, out);
      if (!told) return 1;
    }
    const identity = await place.value.store.load();
    const left = await cleanUp(client, place.value, signal);
    if (!left.ok) {
      out.problem(`${left.error}: run "isthmus leave --local-only" again`);
      return 1;
    }
    if (identity.ok && identity.value !== undefined && settings.identitySecret === undefined) {
      const forgotten = await savedStateFile(settings.identityDir, identity.value).remove();
      if (!forgotten.ok) out.problem(forgotten.error);
    }
    for (const line of receiptLines(left.value)) out.line(line);
    out.line("left: ServiceExports and custom resource definitions stay as they are");
    return 0;
  },
});
