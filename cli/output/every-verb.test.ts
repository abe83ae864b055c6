import { describe, expect, test } from "vitest";
import { VERBS } from "../verb-table.ts";
import { OUTPUTS } from "./render.ts";

/** Verbs whose result is not data: a process's own log, a shell's script. */
const NONE = ["demo", "completion"];

const shown = VERBS.filter(({ hidden }) => hidden !== true).map(({ path, load }) => ({
  name: path.join(" "),
  load,
}));

describe.each(shown)("$name", ({ name, load }) => {
  test("shows its result as table, json or yaml, or serves", async () => {
    const verb = await load();
    const output = verb.settings.shape["output"];
    if (verb.isService === true || NONE.includes(name)) expect(output).toBeUndefined();
    else for (const form of OUTPUTS) expect(output?.safeParse(form).success).toBe(true);
  });
});
