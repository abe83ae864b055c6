import type { CompletedVerb } from "./completion-words.ts";

/** What may follow the words so far: `""` -> every first word, `"token"` -> `create`. */
export function nextWords(
  verbs: readonly Pick<CompletedVerb, "path">[],
): ReadonlyMap<string, readonly string[]> {
  const found = new Map<string, string[]>();
  for (const { path } of verbs) {
    for (const [at, word] of path.entries()) {
      const before = path.slice(0, at).join(" ");
      const words = found.get(before) ?? [];
      if (!words.includes(word)) words.push(word);
      found.set(before, words);
    }
  }
  return found;
}
