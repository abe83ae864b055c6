import { z } from "zod";
import { commonSettings } from "../../install/common-settings.ts";
import { systemClock } from "../../runtime/clock/system-clock.ts";
import { durationSetting, kubeSettings } from "../../runtime/config/common-settings.ts";
import { systemRandom } from "../../runtime/random/system-random.ts";
import { connectPatiently } from "../cluster/connect-kube.ts";
import { hasNodes, NO_NODES } from "../cluster/has-nodes.ts";
import { awaitZone } from "../cluster-dns/await-zone.ts";
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
    wait: z
      .boolean()
      .default(true)
      .describe("with --apply: end when the cluster's DNS answers for the zone"),
    timeout: durationSetting("5m", "how long to wait"),
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
      const told = { ...deps, out: receipt };
      if (action === "restore") return receipt.end(await restoreWiring(namespace, told));
      const applied = await applyWiring(namespace, told);
      if (!applied.ok || !settings.wait) return receipt.end(applied);
      if (!(await hasNodes(deps.client, signal))) {
        receipt.line(NO_NODES);
        return receipt.end(applied);
      }
      const { forward } = kube.value;
      const more = { forward, clock: systemClock, random: systemRandom };
      return receipt.end(await awaitZone(namespace, settings.timeout, { ...told, ...more }));
    }
    const printed = await printWiring(namespace, output, { ...deps, out });
    if (!printed.ok) out.problem(printed.error);
    return printed.ok ? 0 : 1;
  },
});
