import type { CompletedVerb } from "./completion-words.ts";
import { nextWords } from "./next-words.ts";

/** For `source <(isthmus completion zsh)`. */
export function zshCompletion(program: string, verbs: readonly CompletedVerb[]): string {
  const name = program.replaceAll("-", "_");
  const words = [...nextWords(verbs)].map(
    ([before, next]) => `    ${quoted(before)}) next=(${next.map(quoted).join(" ")}) ;;`,
  );
  const flags = verbs.map(
    (verb) =>
      `    ${quoted(verb.path.join(" "))}) _arguments -s ${verb.flags.map(argument).join(" ")}; return ;;`,
  );
  return `#compdef ${program}
_${name}() {
  local path="" word
  local -a next
  for word in "\${(@)words[2,CURRENT-1]}"; do
    [[ $word == -* ]] && break
    path="\${path:+$path }$word"
  done
  if [[ $words[CURRENT] != -* && $words[CURRENT-1] != -* ]]; then
    case "$path" in
${words.join("\n")}
    esac
    (( \${#next} )) && { compadd -a next; return; }
  fi
  while [[ -n $path ]]; do
    case "$path" in
${flags.join("\n")}
    esac
    [[ $path == *" "* ]] || break
    path=\${path% *}
  done
}
compdef _${name} ${program}`;
}

function argument({
  name,
  description,
  hasValue,
  choices,
}: CompletedVerb["flags"][number]): string {
  const text = description.replaceAll(/[[\]:\\]/g, " ");
  if (!hasValue) return quoted(`${name}[${text}]`);
  const action = choices === undefined ? "_files" : `(${choices.join(" ")})`;
  return quoted(`${name}[${text}]:value:${action}`);
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}
