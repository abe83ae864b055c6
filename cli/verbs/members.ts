import { z } from "zod";
import { membersAnswer } from "../../broker/admin/admin-api.ts";
import { durationSetting } from "../../runtime/config/common-settings.ts";
import { adminSettings, askAdmin } from "../broker/ask-admin.ts";
import { judgeMembers } from "../members/judge-members.ts";
import { membersText } from "../members/members-text.ts";
import { outputSetting, render } from "../output/render.ts";
import { defineVerb } from "../verb.ts";

export const membersVerb = defineVerb({
  summary:
    "list the members as a running broker knows them: who is connected, alive, suspect or gone, rows, certificates",
  settings: z.object({
    ...adminSettings,
    staleAfter: durationSetting(
      "60s",
      "as members are told: who is silent for less is suspect, for longer gone; 0s: never gone",
    ),
    output: outputSetting,
  }),
  async run({ settings, out }) {
    const asked = await askAdmin(settings, "members", { answer: membersAnswer });
    if (!asked.ok) {
      out.problem(asked.error);
      return 1;
    }
    const staleAfterMs = settings.staleAfter === 0 ? Number.POSITIVE_INFINITY : settings.staleAfter;
    const members = judgeMembers(asked.value.members, staleAfterMs);
    const answer = { ...asked.value, members };
    out.line(render(settings.output, answer, () => membersText(answer)));
    return 0;
  },
});
