import { z } from "zod";
import { ok } from "../../api/result.ts";
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
  run(input) {
    const { settings, positionals } = input;
    const installed = installSettings(memberSettings, settings);
    const wanted = { ...installed, joinToken: positionals[0] };
    const isWired = settings.dns && settings.wireDns;
    // After the definitions: a CoreDNS with the plugin multicluster ends without them.
    return runInstall("member", wanted, input, async (client, out) =>
      isWired ? applyWiring(wanted.namespace, { ...input, client, out }) : ok(undefined),
    );
  },
});
