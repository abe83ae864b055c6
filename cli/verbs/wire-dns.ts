import { z } from "zod";
import { commonSettings } from "../../install/common-settings.ts";
import { kubeSettings } from "../../runtime/config/common-settings.ts";
import { connectPatiently } from "../cluster/connect-kube.ts";
import { applyWiring, printWiring, restoreWiring } from "../cluster-dns/wire-dns.ts";
import { Receipt } from "../output/receipt.ts";
import { outputSetting } from "../output/render.ts";
import { defineVerb } from "../verb.ts";

export const wireDnsVerb = defineVerb({
  summary:
    "have this cluster's DNS (CoreDNS, kube-dns, NodeLocal DNSCache) send the zone to Isthmus",
  settings: z.object({
    ...kubeSettings,
    namespace: commonSettings.namespace,
    print: z.boolean().default(false).describe("print the ConfigMaps as they would be"),
    apply: z.boolean().default(false).describe("change them, with a backup; may be repeated"),
    restore: z.boolean().default(false).describe("take out what --apply put in, nothing else"),
    output: outputSetting,
  }),
  async run({ settings, signal, env, out }) {
    const asked = (["print", "apply", "restore"] as const).filter((one) => settings[one]);
    const [action] = asked;
    if (action === undefined || asked.length > 1) {
      out.problem(
        `cannot wire DNS: one of --print, --apply and --restore must be given: got ${asked.length}`,
      );
      return 2;
    }
    const { namespace, output } = settings;
    const receipt = new Receipt(output, out);
    const kube = connectPatiently(settings, env, (text) => out.problem(text));
    if (!kube.ok) return receipt.end(kube);
    const deps = { client: kube.value.client, signal };
    if (action !== "print") {
      const change = action === "apply" ? applyWiring : restoreWiring;
      return receipt.end(await change(namespace, { ...deps, out: receipt }));
    }
    const printed = await printWiring(namespace, output, { ...deps, out });
    if (!printed.ok) out.problem(printed.error);
    return printed.ok ? 0 : 1;
  },
});
