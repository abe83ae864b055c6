import { z } from "zod";
import { formatCidr } from "../../api/network/cidr.ts";
import { err, ok, type Result } from "../../api/result.ts";
import { type BlockBook, type BookEntry, entryOf } from "./block-book.ts";

/** Key of the shared record. */
export const GLOBALS_KEY = "globals";

/** Short, since a record has a limit: cluster, use, global prefix, 1 if fixed, since when unused (0: in use). */
const record = z.strictObject({
  version: z.literal(1),
  entries: z.array(
    z.tuple([z.string(), z.string(), z.string(), z.int().min(0).max(1), z.int().min(0)]),
  ),
});

export function formatBook(book: BlockBook): string {
  const entries = book.map(({ cluster, use, global, isFixed, unusedSinceMs }) => [
    cluster,
    use,
    formatCidr(global),
    isFixed ? 1 : 0,
    unusedSinceMs ?? 0,
  ]);
  return JSON.stringify({ version: 1, entries });
}

/** Error: damaged; giving anything out beside it could give addresses twice. */
export function parseBook(text: string): Result<BlockBook, string> {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    return err("cannot read the record of global addresses: must be JSON");
  }
  const read = record.safeParse(json);
  if (!read.success) {
    return err(`cannot read the record of global addresses: ${z.prettifyError(read.error)}`);
  }
  const entries: BookEntry[] = [];
  for (const line of read.data.entries) {
    const entry = entryOf(line);
    if (!entry.ok) return err(`cannot read the record of global addresses: ${entry.error}`);
    entries.push(entry.value);
  }
  return ok(entries);
}
