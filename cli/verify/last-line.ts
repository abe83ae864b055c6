import type { z } from "zod";

/** The last whole line of a pod's log that is of this shape; undefined: there is none yet. */
export function lastLine<T extends z.ZodType>(log: string, shape: T): z.output<T> | undefined {
  for (const line of log.split("\n").toReversed()) {
    try {
      const parsed = shape.safeParse(JSON.parse(line));
      if (parsed.success) return parsed.data;
    } catch {
      // A line that is being written, or something of Node's own.
    }
  }
  return undefined;
}
