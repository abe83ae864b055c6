import { z } from "zod";
import { type RotationAnswer, rotationAnswer } from "../../broker/admin/admin-api.ts";
import { adminSettings, askAdmin } from "../broker/ask-admin.ts";
import { type OutputForm, outputSetting, render } from "../output/render.ts";
import { defineVerb, type Output } from "../verb.ts";

const settings = z.object({
  ...adminSettings,
  output: outputSetting,
});

export const authorityVerb = defineVerb({
  summary: "show the clusterset's authority and how far a rotation has come",
  settings,
  async run(input) {
    const asked = await askAdmin(input.settings, "authority", { answer: rotationAnswer });
    return tell(asked, input.settings.output, input.out);
  },
});

export const authorityRotateVerb = defineVerb({
  summary:
    "replace the clusterset's authority: members learn of the new one as they renew, then it signs, then the old one is dropped",
  settings,
  async run(input) {
    const asked = await askAdmin(input.settings, "rotate", {
      question: {},
      answer: rotationAnswer,
    });
    return tell(asked, input.settings.output, input.out);
  },
});

function tell(
  asked: Awaited<ReturnType<typeof askAdmin<typeof rotationAnswer>>>,
  output: OutputForm,
  out: Output,
): 0 | 1 {
  if (!asked.ok) {
    out.problem(asked.error);
    return 1;
  }
  out.line(render(output, asked.value, () => text(asked.value)));
  return 0;
}

function text({ signing, trusted, rotation }: RotationAnswer): string {
  const lines = [`signs:   ${signing}`, `trusted: ${trusted.join(", ")}`];
  if (rotation === undefined) return [...lines, "no rotation is under way"].join("\n");
  return [
    ...lines,
    `rotation since ${rotation.startedAt}: the new authority signs from ${rotation.switchAt}, the old one is dropped at ${rotation.retireAt}`,
    "a member that is away until its certificate has expired must join again",
  ].join("\n");
}
