export const LEVELS = ["MUST", "MUST-C", "SHOULD", "MAY", "ADV", "none"] as const;
export const STATES = ["done", "partly", "not yet", "not applicable"] as const;

/** A test that shows a rule: its file, and a part of its title. */
export interface Evidence {
  readonly path: string;
  readonly title: string;
}

export interface ConformanceRow {
  readonly id: string;
  readonly level: string;
  /** What the rule asks for. */
  readonly says: string;
  readonly state: string;
  readonly evidence: readonly Evidence[];
  /** What stands beside the tests: why it is not done. Empty when there is nothing. */
  readonly reason: string;
}

export interface StateCounts {
  readonly state: string;
  /** By level, in the order of LEVELS. */
  readonly counts: readonly number[];
}

export interface ConformanceTable {
  readonly rows: readonly ConformanceRow[];
  readonly counts: readonly StateCounts[];
}

const EVIDENCE = /`([^`]+\.ts)` "([^"]+)"/g;

/**
 * Reads docs/conformance.md. A rule is a line `| id | level | says | state | shown by, or why not |`;
 * a test in it is `path` "part of its title". A line of counts is `| state | count by level ... |`.
 */
export function parseConformanceTable(text: string): ConformanceTable {
  const rows: ConformanceRow[] = [];
  const counts: StateCounts[] = [];
  for (const line of text.split("\n")) {
    const cells = cellsOf(line);
    const [first = "", level = "", says = "", state = "", shown = ""] = cells;
    if (/^[A-Z]{3}-\d+$/.test(first) && cells.length === 5) {
      rows.push({ id: first, level, says, state, ...readShown(shown) });
    } else if (STATES.some((known) => known === first)) {
      counts.push({ state: first, counts: cells.slice(1).map(Number) });
    }
  }
  return { rows, counts };
}

function cellsOf(line: string): readonly string[] {
  if (!line.startsWith("| ") || !line.trimEnd().endsWith("|")) return [];
  return line
    .trimEnd()
    .slice(1, -1)
    .split(" | ")
    .map((cell) => cell.trim());
}

/** Every test that a text names as `path` "part of its title". */
export function evidenceIn(text: string): readonly Evidence[] {
  return [...text.matchAll(EVIDENCE)].map(([, path = "", title = ""]) => ({ path, title }));
}

function readShown(shown: string): Pick<ConformanceRow, "evidence" | "reason"> {
  const evidence = evidenceIn(shown);
  const reason = shown.replaceAll(EVIDENCE, "").replaceAll(/^[\s,;.]+|[\s,;]+$/g, "");
  return { evidence, reason };
}
