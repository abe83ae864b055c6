import { parseDocument } from "yaml";
import type { z } from "zod";
import { err, ok, type Result } from "../../api/result.ts";

/** Problems named at once: the rest shows when these are mended. */
const SHOWN_MAX = 5;
const SHOWN_CHARS = 80;

/**
 * A YAML document that a schema describes. The schema should be strict, so that a misspelt key is an error. Errors name
 * the path, the rule and the value seen.
 */
export function readDocument<T>(schema: z.ZodType<T>, text: string): Result<T, string> {
  const document = parseDocument(text);
  const [problem] = document.errors;
  if (problem !== undefined) return err(`must be YAML: ${problem.message.split("\n")[0] ?? ""}`);
  const value: unknown = document.toJS();
  const parsed = schema.safeParse(value);
  if (parsed.success) return ok(parsed.data);
  const problems = parsed.error.issues.map((issue) => describe(issue, value));
  const more = problems.length - SHOWN_MAX;
  return err(
    problems.slice(0, SHOWN_MAX).join("; ") + (more > 0 ? `; and ${more} more problems` : ""),
  );
}

function describe(issue: z.core.$ZodIssue, value: unknown): string {
  const where = issue.path.map(String).join(".") || "document";
  if (issue.code === "unrecognized_keys") {
    return `${where}: must hold known keys only: got ${issue.keys.join(", ")}`;
  }
  if (issue.code === "invalid_key") {
    return `${where}: ${issue.issues.map(({ message }) => message).join(", ")}`;
  }
  const shown = JSON.stringify(at(value, issue.path)) ?? "nothing";
  const short = shown.length > SHOWN_CHARS ? `${shown.slice(0, SHOWN_CHARS)}...` : shown;
  return `${where}: ${issue.message}: got ${short}`;
}

function at(value: unknown, path: readonly PropertyKey[]): unknown {
  return path.reduce<unknown>(
    (inner, key) =>
      typeof inner === "object" && inner !== null ? Reflect.get(inner, key) : undefined,
    value,
  );
}
