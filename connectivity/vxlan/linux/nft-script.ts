import type { FilterContents, SetChange } from "../plan/filter-contents.ts";
import { FILTER_SETS, FILTER_TABLE, type FilterSet } from "../plan/filter-table.ts";
import type { NftTable } from "../plan/kernel-state.ts";
import { SHORTCUT_SETS, SHORTCUT_TABLE } from "../plan/shortcut-table.ts";

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
        ? FILTER_SETS.flatMap((set) => elementLines("add", name, set, contents.elements(set)))
        : []),
    ])
    .join("\n");
}

/** As `replaceTables`, of the shortcut, which is of another family; without a table it goes. */
export function shortcutScript(
  table: NftTable | undefined,
  contents: FilterContents | undefined,
): string {
  const name = `table netdev ${SHORTCUT_TABLE}`;
  return [
    `${name} { }`,
    `delete ${name}`,
    ...(table === undefined ? [] : [`${name} {`, table.body, "}"]),
    ...(table === undefined || contents === undefined
      ? []
      : SHORTCUT_SETS.flatMap((set) =>
          elementLines("add", SHORTCUT_TABLE, set, contents.elements(set)),
        )),
  ].join("\n");
}

/** What changed in the sets of the filter, or of the shortcut, in one transaction; the rest of the sets is not touched. */
export function changeElements(
  changes: readonly SetChange[],
  table: typeof FILTER_TABLE | typeof SHORTCUT_TABLE = FILTER_TABLE,
): string {
  const sets: readonly FilterSet[] = setsOf(table);
  return changes
    .filter(({ set }) => sets.includes(set))
    .flatMap(({ set, add, remove }) => [
      ...elementLines("add", table, set, add),
      ...elementLines("delete", table, set, remove),
    ])
    .join("\n");
}

/** Sets of a table that hold what exports let pass. */
export function setsOf(table: string): readonly FilterSet[] {
  if (table === FILTER_TABLE) return FILTER_SETS;
  return table === SHORTCUT_TABLE ? SHORTCUT_SETS : [];
}

/** As nft names it. */
export function familyOf(table: string): "inet" | "netdev" {
  return table === SHORTCUT_TABLE ? "netdev" : "inet";
}

function elementLines(
  verb: "add" | "delete",
  table: string,
  set: string,
  elements: readonly string[],
): readonly string[] {
  const lines: string[] = [];
  for (let at = 0; at < elements.length; at += CHUNK) {
    const some = elements.slice(at, at + CHUNK).join(", ");
    lines.push(`${verb} element ${familyOf(table)} ${table} ${set} { ${some} }`);
  }
  return lines;
}

/** Deletes tables that may not exist. */
export function deleteTables(names: readonly string[]): string {
  return names
    .flatMap((name) => [`table inet ${name} { }`, `delete table inet ${name}`])
    .join("\n");
}
