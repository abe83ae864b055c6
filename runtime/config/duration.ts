import { err, ok, type Result } from "../../api/result.ts";

const UNITS: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 };

/** Milliseconds of a duration as people write it: `500ms`, `90s`, `15m`, `24h`. */
export function parseDurationMs(text: string): Result<number, string> {
  const match = /^(\d+(?:\.\d+)?)(ms|s|m|h)$/.exec(text);
  const unit = UNITS[match?.[2] ?? ""];
  if (match === null || unit === undefined) {
    return err(
      `must be a number and a unit, ms, s, m or h, such as 15m: got ${JSON.stringify(text)}`,
    );
  }
  return ok(Number(match[1]) * unit);
}
