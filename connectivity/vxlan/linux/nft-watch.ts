import { createHash } from "node:crypto";
import { z } from "zod";
import { isRecord, parseJson } from "../../../api/json.ts";
import { ok, type Result } from "../../../api/result.ts";
import type { FilterContents } from "../plan/filter-contents.ts";
import type { FilterSet } from "../plan/filter-table.ts";
import { familyOf, setsOf } from "./nft-script.ts";
import type { RunCommand } from "./run-command.ts";

const LISTING = z.object({ nftables: z.array(z.record(z.string(), z.unknown())) });

/**
 * Notices when somebody changes our tables. nft lists rules in other words than it reads them, so the first listing after
 * a table was replaced is what later ones are compared with.
 */
export class NftWatch {
  readonly #run: RunCommand;
  /** Digests of listings. BOUNDED: by our tables. */
  readonly #seen = new Map<string, string>();

  constructor(run: RunCommand) {
    this.#run = run;
  }

  /** Tables that have been replaced: how they are listed now is right. */
  forget(tables: readonly string[]): void {
    for (const table of tables) this.#seen.delete(table);
  }

  /** Tables that are not as they were, or whose sets do not hold what they should. */
  async changedTables(
    tables: readonly string[],
    contents: FilterContents | undefined,
    signal: AbortSignal,
  ): Promise<Result<readonly string[], string>> {
    const changed: string[] = [];
    for (const table of tables) {
      const listed = await this.#run(
        { program: "nft", args: ["-j", "list", "table", familyOf(table), table] },
        signal,
      );
      if (!listed.ok) {
        if (signal.aborted) return listed;
        // It is gone, or nft does not work: replacing it will tell.
        changed.push(table);
        continue;
      }
      const { digest, elements } = digestOf(listed.value);
      const seen = this.#seen.get(table) ?? digest;
      this.#seen.set(table, seen);
      const isWhole = contents === undefined || holds(elements, setsOf(table), contents);
      if (seen !== digest || !isWhole) changed.push(table);
    }
    return ok(changed);
  }
}

/** Of everything but handles, counts and contents; with how many elements each set has. */
function digestOf(text: string): {
  readonly digest: string;
  readonly elements: ReadonlyMap<string, number>;
} {
  const hash = createHash("sha256");
  const elements = new Map<string, number>();
  const parsed = LISTING.safeParse(parseJson(text));
  for (const entry of parsed.success ? parsed.data.nftables : []) {
    const { set } = entry;
    if (isRecord(set)) {
      const { name, elem } = set;
      if (typeof name === "string") elements.set(name, Array.isArray(elem) ? elem.length : 0);
    }
    hash.update(JSON.stringify(entry, withoutVolatile));
  }
  return { digest: hash.digest("hex"), elements };
}

function withoutVolatile(key: string, value: unknown): unknown {
  return key === "handle" || key === "packets" || key === "bytes" || key === "elem"
    ? undefined
    : value;
}

/** How many elements each set has: who adds one and takes another is not noticed, which only somebody with root could do. */
function holds(
  elements: ReadonlyMap<string, number>,
  sets: readonly FilterSet[],
  contents: FilterContents,
): boolean {
  return sets.every((set) => (elements.get(set) ?? 0) === contents.size(set));
}
