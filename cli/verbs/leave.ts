import { z } from "zod";
import { err, ok } from "../../api/result.ts";
import { systemClock } from "../../runtime/clock/system-clock.ts";
import { kubeSettings } from "../../runtime/config/common-settings.ts";
import { connectPatiently } from "../cluster/connect-kube.ts";
import { savedStateFile } from "../controllers/saved-state-file.ts";
import { identityPlaceOf, identitySettings } from "../membership/identity-place.ts";
import { cleanUp, leavingSettings, tellBroker, tellRemoved } from "../membership/leaving.ts";
import { Receipt } from "../output/receipt.ts";
import { outputSetting } from "../output/render.ts";
import { defineVerb } from "../verb.ts";

export const leaveVerb = defineVerb({
  summary: "take this cluster out of its clusterset and remove what Isthmus made in it",
  settings: z.object({
    ...kubeSettings,
    ...identitySettings,
    ...leavingSettings,
    output: outputSetting,
  }),
  async run({ settings, signal, env, out }) {
    const receipt = new Receipt(settings.output, out);
    const kube = connectPatiently(settings, env, (text) => out.problem(text));
    if (!kube.ok) return receipt.end(kube);
    const { client } = kube.value;
    const place = identityPlaceOf(settings, () => ok(client), { clock: systemClock, signal });
    if (!place.ok) return receipt.end(place);
    const told = settings.localOnly || (await tellBroker(place.value, settings, receipt));
    if (!told) return receipt.end(err("nothing was removed"));
    const identity = await place.value.store.load();
    const left = await cleanUp(client, place.value, signal);
    if (!left.ok) return receipt.end(err(`${left.error}: run "isthmus leave --local-only" again`));
    if (identity.ok && identity.value !== undefined && settings.identitySecret === undefined) {
      const forgotten = await savedStateFile(settings.identityDir, identity.value).remove();
      if (!forgotten.ok) receipt.problem(forgotten.error);
    }
    tellRemoved(left.value, receipt);
    return receipt.end(ok(undefined));
  },
});
