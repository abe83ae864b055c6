import { readFile } from "node:fs/promises";
import { err, ok, type Result } from "../../api/result.ts";
import { hasCode } from "../files/atomic-file.ts";

export interface AuditFilter {
  /** As many of the newest. */
  readonly last: number;
  readonly cluster?: string | undefined;
  readonly kind?: string | undefined;
}

/** BOUNDED: older files than a broker keeps are none. */
const MAX_FILES = 100;

/** The lines that fit, oldest first, from the file and the older ones beside it. A line that is cut is left out. */
export async function readAuditLines(
  path: string,
  { last, cluster, kind }: AuditFilter,
): Promise<Result<readonly string[], string>> {
  const found: string[] = [];
  for (let at = 0; at < MAX_FILES && found.length < last; at += 1) {
    let text: string;
    try {
      text = await readFile(at === 0 ? path : `${path}.${at}`, "utf8");
    } catch (error) {
      if (hasCode(error, "ENOENT")) {
        // The newest may have been moved away a moment ago.
        if (at === 0) continue;
        break;
      }
      const cause = error instanceof Error ? error.message : String(error);
      return err(`cannot read audit log: ${cause}`);
    }
    const fitting = text.split("\n").filter((line) => {
      const event = parse(line);
      const isKind = kind === undefined || event?.["kind"] === kind;
      return (
        event !== undefined && isKind && (cluster === undefined || event["cluster"] === cluster)
      );
    });
    found.unshift(...fitting);
  }
  return ok(found.slice(-last));
}

function parse(line: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(line);
    return typeof value === "object" && value !== null
      ? (value as Record<string, unknown>)
      : undefined;
  } catch {
    return undefined;
  }
}
