import { z } from "zod";
import { revokeAnswer } from "../../broker/admin/admin-api.ts";
import { adminSettings, askAdmin } from "../broker/ask-admin.ts";
import { outputSetting, render } from "../output/render.ts";
import { defineVerb } from "../verb.ts";

export const revokeVerb = defineVerb({
  summary: "end a cluster's membership now: its stream is cut, its certificate and tokens are void",
  positionals: [{ name: "cluster", description: "cluster id of the member" }],
  settings: z.object({
    ...adminSettings,
    rows: z
      .enum(["withdraw", "freeze"])
      .default("withdraw")
      .describe(
        "withdraw: its services and endpoints go from all members; freeze: they stay as they are until it joins again or is revoked with withdraw",
      ),
    output: outputSetting,
  }),
  async run({ settings, positionals, out }) {
    const question = { cluster: positionals[0] ?? "", rows: settings.rows };
    const asked = await askAdmin(settings, "revoke", { question, answer: revokeAnswer });
    if (!asked.ok) {
      out.problem(asked.error);
      return 1;
    }
    const { cluster, incarnation, rows } = asked.value;
    const fate = rows === "freeze" ? "rows are kept as they are" : "rows are withdrawn";
    const text = `${cluster} is revoked (incarnation ${incarnation}): ${fate}\nto let it in again: isthmus token create --cluster ${cluster}`;
    for (const line of render(settings.output, asked.value, () => text).split("\n")) out.line(line);
    return 0;
  },
});
