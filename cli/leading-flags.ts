/** Flags of kubectl that people write before the command, by whether a value follows. */
const LEADING: Readonly<Record<string, string>> = {
  "--context": "--context",
  "--kubeconfig": "--kubeconfig",
  "--namespace": "--namespace",
  "-n": "--namespace",
};

/**
 * `-n shop export web` is `export web -n shop`: kubectl takes these flags anywhere, and so do its plugins. What begins with
 * anything else is left as it is.
 */
export function withoutLeadingFlags(argv: readonly string[]): readonly string[] {
  const flags: string[] = [];
  let at = 0;
  while (at < argv.length) {
    const [word, value] = splitAssigned(argv[at] ?? "");
    if (!Object.hasOwn(LEADING, word)) break;
    const given = value ?? argv[at + 1];
    if (given === undefined) break;
    flags.push(LEADING[word] ?? word, given);
    at += value === undefined ? 2 : 1;
  }
  const rest = argv.slice(at);
  return at === 0 || rest.length === 0 ? argv : [...rest, ...flags];
}

function splitAssigned(word: string): readonly [string, string?] {
  const equals = word.indexOf("=");
  return equals === -1 ? [word] : [word.slice(0, equals), word.slice(equals + 1)];
}
