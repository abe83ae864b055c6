import { z } from "zod";
import { err } from "../../api/result.ts";
import { commonSettings } from "../../install/common-settings.ts";
import { kubeSettings } from "../../runtime/config/common-settings.ts";
import { silentMeter } from "../../runtime/metrics/silent-meter.ts";
import { applyWiring, printWiring, restoreWiring } from "../cluster-dns/wire-dns.ts";
import { connectKube } from "../connect-kube.ts";
import { defineVerb } from "../verb.ts";

const ACTIONS = { print: printWiring, apply: applyWiring, restore: restoreWiring } as const;

export const wireDnsVerb = defineVerb({
  summary:
    "have this cluster's DNS (CoreDNS, kube-dns, NodeLocal DNSCache) send the zone to Isthmus",
  settings: z.object({
    ...kubeSettings,
    namespace: commonSettings.namespace,
    print: z.boolean().default(false).describe("print the ConfigMaps as they would be"),
    apply: z.boolean().default(false).describe("change them, with a backup; may be repeated"),
    restore: z.boolean().default(false).describe("take out what --apply put in, nothing else"),
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
    const kube = connectKube(settings, env, silentMeter);
    const done = kube.ok
      ? await ACTIONS[action](settings.namespace, { client: kube.value.client, signal, out })
      : err(kube.error);
    if (done.ok) return 0;
    out.problem(done.error);
    return 1;
  },
});
