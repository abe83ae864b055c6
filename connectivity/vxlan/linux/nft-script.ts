import type { FilterContents, SetChange } from "../plan/filter-contents.ts";
import { FILTER_SETS, FILTER_TABLE } from "../plan/filter-table.ts";
import type { NftTable } from "../plan/kernel-state.ts";

/** Elements of one statement. */
const CHUNK = 1_000;

/**
 * A script that puts tables in the place of those of the same names, contents of the filter's sets included. nft carries
 * a script out as one transaction: no packet sees a part of it.
 */
export function replaceTables(
  tables: readonly NftTable[],
  contents: FilterContents | undefined,
): string {
  return tables
    .flatMap(({ name, body }) => [
      // A table must exist to be deleted.
      `table inet ${name} { }`,
      `delete table inet ${name}`,
      `table inet ${name} {`,
      body,
      "}",
      ...(name === FILTER_TABLE && contents !== undefined
        ? FILTER_SETS.flatMap((set) => elementLines("add", set, contents.elements(set)))
        : []),
    ])
    .join("\n");
}

/** What changed in the filter's sets, in one transaction; the rest of the sets is not touched. */
export function changeElements(changes: readonly SetChange[]): string {
  return changes
    .flatMap(({ set, add, remove }) => [
      ...elementLines("add", set, add),
      ...elementLines("delete", set, remove),
    ])
    .join("\n");
}

function elementLines(
  verb: "add" | "delete",
  set: string,
  elements: readonly string[],
): readonly string[] {
  const lines: string[] = [];
  for (let at = 0; at < elements.length; at += CHUNK) {
    const some = elements.slice(at, at + CHUNK).join(", ");
    lines.push(`${verb} element inet ${FILTER_TABLE} ${set} { ${some} }`);
  }
  return lines;
}

/** Deletes tables that may not exist. */
export function deleteTables(names: readonly string[]): string {
  return names
    .flatMap((name) => [`table inet ${name} { }`, `delete table inet ${name}`])
    .join("\n");
}
