import { z } from "zod";
import { memberSettings } from "../../install/member-settings.ts";
import { kubeSettings } from "../../runtime/config/common-settings.ts";
import { applyWiring } from "../cluster-dns/wire-dns.ts";
import { applySettings, installSettings, runInstall } from "../install/run-install.ts";
import { defineVerb } from "../verb.ts";

const { shape } = memberSettings.omit({ joinToken: true });

export const installMemberVerb = defineVerb({
  summary: "make this cluster a member: definitions, roles, policies, controllers and DNS",
  positionals: [
    { name: "token", description: 'what "isthmus install hub" or "token create" printed' },
  ],
  settings: z.object({
    ...shape,
    ...kubeSettings,
    ...applySettings,
    wireDns: z
      .boolean()
      .default(true)
      .describe("have the cluster's DNS send the zone here, as isthmus wire-dns --apply does"),
  }),
  async run(input) {
    const { settings, positionals, out } = input;
    const wanted = installSettings(memberSettings, settings);
    const installed = await runInstall("member", { ...wanted, joinToken: positionals[0] }, input);
    if (!installed.ok) {
      out.problem(installed.error);
      return 1;
    }
    const client = installed.value;
    if (client === undefined || !settings.dns || !settings.wireDns) return 0;
    // After the definitions: a CoreDNS with the plugin multicluster ends without them.
    const wired = await applyWiring(wanted.namespace, { ...input, client });
    if (wired.ok) return 0;
    out.problem(wired.error);
    return 1;
  },
});
