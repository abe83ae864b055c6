import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

/** One question and what the answer to it must be. */
export interface DnsCase {
  readonly title: string;
  readonly question: string;
  /** Lines of the answer; `SILENCE` alone for none. */
  readonly answer: readonly string[];
}

export interface CaseFile {
  /** Folder and name without the ending: "rfc1034/4.3.2-algorithm". */
  readonly name: string;
  /** Lines that describe the zone. */
  readonly zone: readonly string[];
  readonly cases: readonly DnsCase[];
}

/** Every `.txt` in the folders of `root`. */
export function readCaseFiles(root: string): readonly CaseFile[] {
  return readdirSync(root, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .flatMap(({ name: folder }) =>
      readdirSync(join(root, folder)).map((file) => join(folder, file)),
    )
    .filter((path) => path.endsWith(".txt"))
    .toSorted()
    .map((path) => parseCaseFile(path.slice(0, -4), readFileSync(join(root, path), "utf8")));
}

/**
 * Lines before the first `=` are the zone, then cases follow: `= title`, `? question`, the answer. `;` begins a comment,
 * empty lines mean nothing.
 */
export function parseCaseFile(name: string, text: string): CaseFile {
  const zone: string[] = [];
  const cases: { title: string; question: string; answer: string[] }[] = [];
  for (const raw of text.split("\n")) {
    const line = raw.replace(/(^|\s);.*$/, "").trim();
    const current = cases.at(-1);
    if (line === "") continue;
    if (line.startsWith("= ")) cases.push({ title: line.slice(2), question: "", answer: [] });
    else if (current === undefined) zone.push(line);
    else if (line.startsWith("? ")) current.question = line.slice(2);
    else current.answer.push(line);
  }
  const unfinished = cases.find(({ question, answer }) => question === "" || answer.length === 0);
  if (cases.length === 0 || unfinished !== undefined) {
    throw new Error(
      `${name}: a case needs a question and an answer: ${unfinished?.title ?? "none"}`,
    );
  }
  return { name, zone, cases };
}
