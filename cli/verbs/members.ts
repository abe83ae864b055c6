import { z } from "zod";
import { membersAnswer } from "../../broker/admin/admin-api.ts";
import { adminSettings, askAdmin } from "../ask-admin.ts";
import { membersText } from "../members/members-text.ts";
import { defineVerb } from "../verb.ts";

export const membersVerb = defineVerb({
  summary: "list the members as a running broker knows them: who is connected, rows, certificates",
  settings: z.object({
    ...adminSettings,
    output: z.enum(["text", "json"]).default("text").describe("text or json"),
  }),
  async run({ settings, out }) {
    const asked = await askAdmin(settings, "members", { answer: membersAnswer });
    if (!asked.ok) {
      out.problem(asked.error);
      return 1;
    }
    const isJson = settings.output === "json";
    out.line(isJson ? JSON.stringify(asked.value, null, 2) : membersText(asked.value));
    return 0;
  },
});
