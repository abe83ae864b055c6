import { buildCommand } from "../../../cli/program.ts";
import { VERBS } from "../../../cli/verb-table.ts";

/** A line that somebody may type, or a part of one that a text names. */
export interface CommandLine {
  readonly text: string;
  /** Stands in a block of code: it is meant whole. */
  readonly isWhole: boolean;
}

/** `isthmus ...` in blocks of code and between backticks. */
export function commandLines(markdown: string): readonly CommandLine[] {
  const blocks = [...markdown.matchAll(/^ *```[^\n]*\n([\s\S]*?)^ *```/gm)];
  const whole = blocks.flatMap(([, block = ""]) =>
    block
      .replaceAll(/\\\n\s*/g, " ")
      .split("\n")
      .flatMap((line) => line.replace(/(^|\s)#.*$/, "").split(/&&|\|\s|;/))
      .map((part) => part.trim().replace(/^\$ /, ""))
      .filter((part) => /^isthmus\s/.test(part))
      .map((text) => ({ text, isWhole: true })),
  );
  const prose = markdown.replaceAll(/^ *```[\s\S]*?^ *```/gm, "");
  const named = [...prose.matchAll(/`(isthmus\s[^`]+)`/g)].map(([, text = ""]) => ({
    text: (text.split(/ [|&]/)[0] ?? "").replaceAll(/\s+/g, " "),
    isWhole: false,
  }));
  return [...whole, ...named];
}

/** What the program would say against it; undefined: nothing. */
export async function problemOf({ text, isWhole }: CommandLine): Promise<string | undefined> {
  const problems = await Promise.all(alternatives(text).map((words) => problemIn(words, isWhole)));
  return problems.find((problem) => problem !== undefined);
}

/** `install hub|member [--print]` means several lines; what may be left out is taken to be there. */
function alternatives(text: string): readonly (readonly string[])[] {
  const words = text
    .replaceAll(/["'][^"']*["']|\$\([^)]*\)/g, "TEXT")
    .replaceAll(/[[\]]/g, "")
    .split(/\s+/)
    .slice(1)
    .filter((word) => !/^(\.\.\.|…|<.*|>.*)$/.test(word) || word.startsWith("<"));
  return words.reduce<readonly (readonly string[])[]>(
    (lines, word) =>
      lines.flatMap((line) => word.split("|").map((alternative) => [...line, alternative])),
    [[]],
  );
}

async function problemIn(words: readonly string[], isWhole: boolean): Promise<string | undefined> {
  const [first = ""] = words;
  // A placeholder: `isthmus COMMAND --help`.
  if (/^([A-Z]+|<.*>|--help|help)$/.test(first)) return undefined;
  const entry = VERBS.find(({ path }) => path.every((word, index) => words[index] === word));
  // A text may name several verbs by their first word.
  if (entry === undefined && !isWhole && VERBS.some(({ path }) => path[0] === words.join(" "))) {
    return undefined;
  }
  if (entry === undefined) return `no verb ${words.slice(0, 2).join(" ")}`;
  const verb = await entry.load();
  const command = buildCommand(entry.path, verb);
  const rest = words.slice(entry.path.length);
  let positionals = 0;
  for (let index = 0; index < rest.length; index++) {
    const word = rest[index] ?? "";
    if (!word.startsWith("-")) {
      if (word !== "options" && word !== "...") positionals++;
      continue;
    }
    const [flag = ""] = word.split("=");
    if (flag === "--help") continue;
    const option = command.options.find(({ long, short }) => flag === long || flag === short);
    if (option === undefined) return `isthmus ${entry.path.join(" ")} has no option ${flag}`;
    if (!option.required || word.includes("=")) continue;
    const isGiven = index + 1 < rest.length;
    if (isWhole && !isGiven) return `${flag} must have a value`;
    index++;
  }
  const wanted = verb.positionals?.length ?? 0;
  if (positionals > wanted) return `takes ${wanted} arguments: got ${positionals}`;
  return isWhole && positionals < wanted && !rest.includes("...")
    ? `takes ${wanted} arguments: got ${positionals}`
    : undefined;
}
