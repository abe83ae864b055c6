import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { ROOT } from "../bundle.ts";
import { cell, code, type Page, table } from "./page.ts";

/** Folders whose code goes into clusters. */
const FOLDERS = ["api", "broker", "connectivity", "controllers", "dns-server"];
/** A label's or annotation's key with the comment before it. */
const CONSTANT =
  /(?:\/\*\*((?:(?!\*\/)[\s\S])*)\*\/\n)?export const (ANNOTATION|LABEL)_[A-Z_]+ =\s*"([^"]+)";/g;

/** What people write; everything else is written by Isthmus, or by Kubernetes. */
const WRITTEN_BY_PEOPLE = [
  "isthmus.dev/export-to",
  "isthmus.dev/auto-export",
  "isthmus.dev/allow-clients",
  "isthmus.dev/proxy-protocol",
  "isthmus.dev/gateway",
  "isthmus.dev/leaving",
  "dns.isthmus.dev/affinity",
  "dns.isthmus.dev/local-threshold",
  "dns.isthmus.dev/weights",
];

interface Key {
  readonly key: string;
  readonly kind: string;
  readonly meaning: string;
}

/** Every label and annotation that the code names, from its constants and their comments. */
export function annotationsPage(): Page {
  const keys = allKeys();
  const missing = WRITTEN_BY_PEOPLE.filter((key) => !keys.some((known) => known.key === key));
  if (missing.length > 0) throw new Error(`no constant has the key ${missing.join(", ")}`);
  const isPeoples = ({ key }: Key): boolean => WRITTEN_BY_PEOPLE.includes(key);
  const rows = (some: readonly Key[]): string =>
    table(
      ["key", "kind", "meaning"],
      some.map(({ key, kind, meaning }) => [code(key), kind, cell(meaning)]),
    );
  return {
    file: "annotations.md",
    title: "Labels and annotations",
    body: [
      "## You write",
      rows(keys.filter(isPeoples)),
      "## Isthmus writes",
      "Admission policies keep the labels of the clusterset for the controllers (`api/cluster-policy`).",
      rows(keys.filter((key) => !isPeoples(key))),
    ].join("\n\n"),
  };
}

function allKeys(): readonly Key[] {
  return FOLDERS.flatMap((folder) =>
    readdirSync(join(ROOT, folder), { recursive: true, encoding: "utf8" })
      .filter((name) => name.endsWith(".ts") && !name.includes(".test."))
      .toSorted()
      .flatMap((name) =>
        keysIn(join(folder, name), readFileSync(join(ROOT, folder, name), "utf8")),
      ),
  );
}

function keysIn(file: string, text: string): readonly Key[] {
  return [...text.matchAll(CONSTANT)].map(([, comment, kind = "", key = ""]) => {
    const meaning = (comment ?? "").replaceAll(/\n\s*\* ?/g, " ").trim();
    if (meaning === "") throw new Error(`${file}: the constant of ${key} must say what it means`);
    return { key, kind: kind.toLowerCase(), meaning };
  });
}
