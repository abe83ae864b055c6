import type { CompletedVerb } from "./completion-words.ts";
import { nextWords } from "./next-words.ts";

/** For `isthmus completion fish | source`. */
export function fishCompletion(program: string, verbs: readonly CompletedVerb[]): string {
  const name = program.replaceAll("-", "_");
  const words = [...nextWords(verbs)].map(
    ([before, next]) =>
      `complete -c ${program} -f -n ${quoted(`test (__${name}_path) = ${quotedIn(before)}`)} -a ${quoted(next.join(" "))}`,
  );
  const flags = verbs.flatMap(({ path, flags: all }) => {
    const at = quoted(`string match -q -- ${quotedIn(`${path.join(" ")} *`)} (__${name}_path)" "`);
    return all.map(({ name: flag, description, hasValue, choices }) => {
      const value = hasValue
        ? choices === undefined
          ? " -r"
          : ` -x -a ${quoted(choices.join(" "))}`
        : "";
      return `complete -c ${program} -n ${at} -l ${flag.slice(2)} -d ${quoted(description)}${value}`;
    });
  });
  return `# fish completion of ${program}
function __${name}_path
  set -l words
  for word in (commandline -opc)[2..]
    string match -q -- '-*' $word; and break
    set -a words $word
  end
  echo "$words"
end
${words.join("\n")}
${flags.join("\n")}`;
}

function quoted(text: string): string {
  return `'${text.replaceAll("\\", "\\\\").replaceAll("'", "\\'")}'`;
}

/** Inside of single quotes. */
function quotedIn(text: string): string {
  return `"${text}"`;
}
