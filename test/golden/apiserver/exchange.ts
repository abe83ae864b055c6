import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

/** One recorded request and answer. */
export interface Exchange {
  readonly file: string;
  readonly title: string;
  readonly status: number;
  readonly headers: Readonly<Record<string, unknown>>;
  /** The parsed body, the text, or the events of a watch. */
  readonly content: unknown;
}

interface Line {
  readonly title: string;
  readonly response: {
    readonly status: number;
    readonly headers: Readonly<Record<string, unknown>>;
    readonly body?: unknown;
    readonly text?: string;
    readonly events?: readonly unknown[];
  };
  readonly whileOpen?: readonly Line[];
}

/** All exchanges of a recording, those made during a watch before the watch itself. */
export function readRecording(folder: string): readonly Exchange[] {
  return readdirSync(folder)
    .filter((file) => file.endsWith(".jsonl"))
    .sort()
    .flatMap((file) =>
      readFileSync(join(folder, file), "utf8")
        .trim()
        .split("\n")
        .flatMap((line) => exchangesOf(file, JSON.parse(line))),
    );
}

function exchangesOf(file: string, line: Line): readonly Exchange[] {
  const { status, headers, body, text, events } = line.response;
  const inner = (line.whileOpen ?? []).flatMap((one) => exchangesOf(file, one));
  const content = events ?? body ?? text;
  return [...inner, { file, title: line.title, status, headers, content }];
}
