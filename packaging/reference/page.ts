/** One generated page of `docs/reference`. */
export interface Page {
  /** File name in `docs/reference`. */
  readonly file: string;
  readonly title: string;
  readonly body: string;
}

const NOTE = "<!-- Written by `npm run docs`: change the code, then run it again. -->";

export function pageText({ title, body }: Page): string {
  return `# ${title}\n\n${NOTE}\n\n${body.trim()}\n`;
}

/** Text in a cell of a Markdown table: one line, and what tables and HTML take for theirs is escaped. */
export function cell(text: string): string {
  return text.replaceAll(/\s+/g, " ").trim().replaceAll("|", "\\|").replaceAll("<", "&lt;");
}

/** A cell that is code; backticks keep `<`, a table still cuts at `|`. */
export function code(text: string): string {
  return text === "" ? "" : `\`${text.replaceAll(/\s+/g, " ").replaceAll("|", "\\|")}\``;
}

export function table(heads: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string => `| ${cells.join(" | ")} |`;
  return [line(heads), line(heads.map(() => "---")), ...rows.map(line)].join("\n");
}
