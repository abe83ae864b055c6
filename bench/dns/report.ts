/** Output for people; the tables are Markdown. */
export function print(line: string): void {
  process.stdout.write(`${line}\n`);
}

type Line = Readonly<Record<string, string | number>>;

/** Columns are the fields of the first line. */
export function printTable(lines: readonly Line[]): void {
  const columns = Object.keys(lines[0] ?? {});
  print(`| ${columns.join(" | ")} |`);
  print(`|${columns.map(() => "---|").join("")}`);
  for (const line of lines) {
    print(`| ${columns.map((column) => cell(line[column] ?? "")).join(" | ")} |`);
  }
}

export function ratio(ours: number, theirs: number): string {
  return `${(ours / theirs).toFixed(2)}x`;
}

function cell(value: string | number): string {
  if (typeof value === "string") return value;
  if (value >= 100) return Math.round(value).toLocaleString("en");
  return `${Number(value.toPrecision(3))}`;
}
