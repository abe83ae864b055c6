import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

/** A folder, as what is said of it must be held against what is in it. */
export interface Folder {
  /** Relative to the checkout, with forward slashes; "": the checkout itself. */
  readonly path: string;
  /** Its own files, its README not among them. */
  readonly files: readonly string[];
  /** Text of its README, or else of the nearest one above. */
  readonly readme: string;
  readonly hasReadme: boolean;
}

/** From this many files on a folder needs a README of its own, where one of them is code. */
const OWN_README_FROM = 3;

const CODE = /\.(ts|mjs|c)$/;
const NOT_OURS = new Set(["node_modules", "dist", "build", "coverage"]);

/** The checkout, and every folder of ours in it that has files. */
export function folders(root: string): readonly Folder[] {
  return foldersBelow(root, "", "").filter(({ files }) => files.length > 0);
}

function foldersBelow(root: string, path: string, readmeAbove: string): readonly Folder[] {
  const entries = readdirSync(join(root, path), { withFileTypes: true });
  const names = entries.filter((entry) => entry.isFile()).map(({ name }) => name);
  const hasReadme = names.includes("README.md");
  const readme = hasReadme ? readFileSync(join(root, path, "README.md"), "utf8") : readmeAbove;
  const files = names.filter((name) => name !== "README.md" && !name.startsWith("."));
  const below = entries
    .filter((entry) => entry.isDirectory() && !entry.name.startsWith("."))
    .filter(({ name }) => !NOT_OURS.has(name))
    .flatMap(({ name }) => foldersBelow(root, path === "" ? name : `${path}/${name}`, readme));
  return [{ path, files, readme, hasReadme }, ...below];
}

/** Names of files of ours in a README of which there is no file anywhere; `x.test.ts` stands for any. */
export function namesOfNothing(readme: string, known: ReadonlySet<string>): readonly string[] {
  const code = [...readme.matchAll(/`([^`\n]+)`/g)].flatMap(([, text = ""]) => text.split(/\s+/));
  return code
    .filter((word) => /^[\w./-]*\w\.(ts|mjs|c|proto|tpl)$/.test(word))
    .filter((word) => !known.has(word.slice(word.lastIndexOf("/") + 1)) && word !== "x.test.ts");
}

/** What its README does not say and should; undefined: nothing. The checkout's own files are known by their tools. */
export function problemOf({ path, files, readme, hasReadme }: Folder): string | undefined {
  if (path === "") return undefined;
  const code = files.filter((file) => CODE.test(file));
  if (!hasReadme && code.length > 0 && files.length >= OWN_README_FROM) {
    return `${path} has ${files.length} files and no README.md`;
  }
  const words = new Set(readme.match(/[\w*][\w.*-]*/g));
  const folder = path.slice(path.lastIndexOf("/") + 1);
  // Data is read by programs, which know it by its folder: `templates/`, `crds/`.
  if (!hasReadme && code.length === 0) {
    return words.has(folder) ? undefined : `${path}: no README above names ${folder}`;
  }
  const unnamed = files.filter((file) => !isNamed(file, files, words));
  return unnamed.length === 0 ? undefined : `${path}: no README names ${unnamed.join(", ")}`;
}

function isNamed(file: string, files: readonly string[], words: ReadonlySet<string>): boolean {
  const [, tested] = /^(.+)\.test\.(?:ts|mjs)$/.exec(file) ?? [];
  // A test beside what it tests is found by its name.
  if (
    tested !== undefined &&
    files.some((other) => other.startsWith(`${tested}.`) && other !== file)
  ) {
    return true;
  }
  if (words.has(file)) return true;
  return [...words].some((word) => isPattern(word) && matches(word, file));
}

/** `kube-*.test.ts`, `*.jsonl`; code is told apart by more than that it is code. */
function isPattern(word: string): boolean {
  return word.includes("*") && !/^\**(\.test)?\.(ts|mjs|c)$/.test(word);
}

function matches(pattern: string, file: string): boolean {
  const parts = pattern.split("*").map((part) => part.replaceAll(/[.-]/g, String.raw`\$&`));
  return new RegExp(`^${parts.join(".*")}$`).test(file);
}
