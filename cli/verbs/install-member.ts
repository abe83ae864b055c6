import { z } from "zod";
import { memberSettings } from "../../install/member-settings.ts";
import { kubeSettings } from "../../runtime/config/common-settings.ts";
import { applySettings, installSettings, runInstall } from "../install/run-install.ts";
import { defineVerb } from "../verb.ts";

const { shape } = memberSettings.omit({ joinToken: true });

export const installMemberVerb = defineVerb({
  summary: "make this cluster a member: definitions, roles, policies, controllers and DNS",
  positionals: [
    { name: "token", description: 'what "isthmus install hub" or "token create" printed' },
  ],
  settings: z.object({ ...shape, ...kubeSettings, ...applySettings }),
  async run(input) {
    const { settings, positionals, out } = input;
    const wanted = installSettings(memberSettings, settings);
    const installed = await runInstall("member", { ...wanted, joinToken: positionals[0] }, input);
    if (!installed.ok) {
      out.problem(installed.error);
      return 1;
    }
    return 0;
  },
});
