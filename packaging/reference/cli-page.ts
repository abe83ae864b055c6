import { buildCommand } from "../../cli/program.ts";
import type { Verb } from "../../cli/verb.ts";
import { VERBS } from "../../cli/verb-table.ts";
import { type FlagShape, flagShape } from "../../runtime/config/settings.ts";
import { cell, code, type Page, table } from "./page.ts";

const INTRODUCTION = `Settings are flags, or keys in camelCase of the YAML file that \`--config\` names; flags win. A list is given with commas, or flag by flag.
\`isthmus COMMAND --help\` prints the same. Exit codes: 0 done, 1 failed and said why, 2 called wrongly.`;

/** Every verb that is not hidden, with its options, from the parser that reads them. */
export async function cliPage(): Promise<Page> {
  const shown = VERBS.filter(({ hidden }) => hidden !== true);
  const loaded = await Promise.all(
    shown.map(async ({ path, load }) => ({ path, verb: await load() })),
  );
  const sections = loaded
    .map(({ path, verb }) => ({ name: path.join(" "), text: verbText(path, verb) }))
    .toSorted((a, b) => (a.name < b.name ? -1 : 1));
  return {
    file: "cli.md",
    title: "Commands",
    body: [INTRODUCTION, ...sections.map(({ text }) => text)].join("\n\n"),
  };
}

function verbText(path: readonly string[], verb: Verb): string {
  const command = buildCommand(path, verb);
  const positionals = (verb.positionals ?? []).map(({ name }) => ` <${name}>`).join("");
  const shapes = Object.values(verb.settings.shape).map(flagShape);
  const meanings = Object.values(verb.settings.shape).map((type) => type.description ?? "");
  // The first option is --config, which every verb has; the others are the settings, in their order.
  const rows = command.options
    .slice(1)
    .map((option, index) => [
      code(option.flags),
      defaultOf(shapes[index]),
      cell(meanings[index] ?? ""),
    ]);
  const parts = [
    `## isthmus ${path.join(" ")}`,
    `${cell(verb.summary)}.`,
    `\`\`\`\nisthmus ${path.join(" ")}${positionals} [options]\n\`\`\``,
    ...(verb.positionals ?? []).map(
      ({ name, description }) => `- \`<${name}>\`: ${cell(description)}`,
    ),
    ...(rows.length === 0 ? [] : [table(["option", "default", "meaning"], rows)]),
  ];
  return parts.join("\n\n");
}

function defaultOf(shape: FlagShape | undefined): string {
  if (shape === undefined || !("default" in shape)) return "required";
  if (shape.default === undefined) return "";
  return Array.isArray(shape.default) && shape.default.length === 0
    ? "none"
    : code(JSON.stringify(shape.default));
}
