import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

export const ROOT = fileURLToPath(new URL("../../..", import.meta.url));

export interface MarkdownFile {
  /** From the checkout's root. */
  readonly path: string;
  readonly text: string;
}

/** Folders at the root that hold what others wrote, or what is built. */
const NOT_OURS = new Set(["node_modules", "dist"]);

/** Every Markdown file of ours. */
export function markdownFiles(): readonly MarkdownFile[] {
  return readdirSync(ROOT, { withFileTypes: true })
    .filter(({ name }) => !name.startsWith(".") && !NOT_OURS.has(name))
    .flatMap((entry) =>
      entry.isDirectory()
        ? readdirSync(join(ROOT, entry.name), { recursive: true, encoding: "utf8" }).map((name) =>
            join(entry.name, name),
          )
        : [entry.name],
    )
    .filter((path) => path.endsWith(".md") && !path.includes("node_modules"))
    .map((path) => ({ path, text: readFileSync(join(ROOT, path), "utf8") }));
}

/** What stands in code is no link. */
export function withoutCode(text: string): string {
  return text.replaceAll(/^ *```[\s\S]*?^ *```/gm, "").replaceAll(/`[^`\n]*`/g, "");
}
