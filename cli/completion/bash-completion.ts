import type { CompletedVerb } from "./completion-words.ts";
import { nextWords } from "./next-words.ts";

/** For `source <(isthmus completion bash)`. */
export function bashCompletion(program: string, verbs: readonly CompletedVerb[]): string {
  const name = program.replaceAll("-", "_");
  const cases = verbs.map(
    ({ path, flags }) =>
      `    ${quoted(path.join(" "))}) flags=${quoted(flags.map((flag) => flag.name).join(" "))} ;;`,
  );
  const words = [...nextWords(verbs)].map(
    ([before, next]) => `    ${quoted(before)}) words=${quoted(next.join(" "))} ;;`,
  );
  const values = choicesByFlag(verbs).map(
    ([flag, choices]) =>
      `    ${flag}) COMPREPLY=($(compgen -W ${quoted(choices)} -- "$cur")); return ;;`,
  );
  return `# bash completion of ${program}
_${name}() {
  local cur=\${COMP_WORDS[COMP_CWORD]} prev=\${COMP_WORDS[COMP_CWORD-1]} path="" words="" flags="" i word
  COMPREPLY=()
  case "$prev" in
${values.join("\n")}
    --kubeconfig|--config|--*-file|--*-dir) COMPREPLY=($(compgen -f -- "$cur")); return ;;
  esac
  for ((i = 1; i < COMP_CWORD; i++)); do
    word=\${COMP_WORDS[i]}
    [[ $word == -* ]] && break
    path="\${path:+$path }$word"
  done
  case "$path" in
${words.join("\n")}
  esac
  case "$path" in
${cases.join("\n")}
  esac
  # Behind a verb come its own words: the longest verb that they begin with counts.
  while [[ -z $flags && $path == *" "* ]]; do
    path=\${path% *}
    case "$path" in
${cases.join("\n")}
    esac
  done
  if [[ $cur == -* ]]; then
    COMPREPLY=($(compgen -W "$flags" -- "$cur"))
  else
    COMPREPLY=($(compgen -W "$words" -- "$cur"))
  fi
}
complete -o default -F _${name} ${program}`;
}

function choicesByFlag(verbs: readonly CompletedVerb[]): readonly (readonly [string, string])[] {
  const found = new Map<string, Set<string>>();
  for (const { name, choices = [] } of verbs.flatMap(({ flags }) => flags)) {
    if (choices.length === 0) continue;
    const all = found.get(name) ?? new Set();
    for (const choice of choices) all.add(choice);
    found.set(name, all);
  }
  return [...found].map(([flag, choices]) => [
    flag === "--output" ? "--output|-o" : flag,
    [...choices].join(" "),
  ]);
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}
