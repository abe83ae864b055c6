import { z } from "zod";
import { bashCompletion } from "../completion/bash-completion.ts";
import { completedVerb } from "../completion/completion-words.ts";
import { fishCompletion } from "../completion/fish-completion.ts";
import { zshCompletion } from "../completion/zsh-completion.ts";
import { defineVerb } from "../verb.ts";

const SHELLS = { bash: bashCompletion, zsh: zshCompletion, fish: fishCompletion } as const;

export const completionVerb = defineVerb({
  summary:
    "print what makes a shell complete commands and flags: source <(isthmus completion bash)",
  positionals: [{ name: "shell", description: "bash, zsh or fish" }],
  settings: z.object({
    program: z
      .string()
      .regex(/^[a-z][a-z0-9-]*$/, "must be a program's name")
      .default("isthmus")
      .describe("name that the program is called by"),
  }),
  async run({ settings, positionals, out }) {
    const [shell = ""] = positionals;
    const write = new Map(Object.entries(SHELLS)).get(shell);
    if (write === undefined) {
      out.problem(`shell must be ${Object.keys(SHELLS).join(", ")}: got ${JSON.stringify(shell)}`);
      return 2;
    }
    // The table names this verb too.
    const { VERBS } = await import("../verb-table.ts");
    const shown = VERBS.filter(({ hidden }) => hidden !== true);
    const verbs = await Promise.all(
      shown.map(async ({ path, load }) => completedVerb(path, await load())),
    );
    out.line(write(settings.program, verbs));
    return 0;
  },
});
