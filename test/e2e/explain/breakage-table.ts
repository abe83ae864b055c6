import type { Finding } from "../../../cli/explain/finding.ts";
import type { Breakage } from "./local-breakages.ts";

/** Lines between these are written by the test. */
const TABLE_BEGIN = "<!-- written by test/e2e/explain.test.ts -->";
const TABLE_END = "<!-- end -->";

export interface BreakageRow {
  readonly broken: string;
  readonly from: Breakage["from"];
  readonly finding: Finding;
}

/** What explain said of each thing that was broken, for docs/explain.md. */
export function breakageTable(rows: readonly BreakageRow[]): string {
  return [
    "| broken | asked in the cluster that | check | what it says | how to mend it |",
    "| --- | --- | --- | --- | --- |",
    ...rows.map(({ broken, from, finding: { check, says, mend = "" } }) => {
      const whose = from === "exporting" ? "exports" : "imports";
      return `| ${[broken, whose, check, steady(says), steady(mend)].join(" | ")} |`;
    }),
  ].join("\n");
}

/** Without what differs from run to run. */
function steady(text: string): string {
  return text
    .replaceAll("|", "\\|")
    .replaceAll(/\d{4}-\d\d-\d\dT[\d:.]+Z/g, "TIME")
    .replaceAll(/\d+\.\d+\.\d+\.\d+:\d+/g, "ADDRESS:PORT")
    .replaceAll(/\b(?!1\.0)\d+\.\d+\.\d+\.\d+\b/g, "ADDRESS")
    .replaceAll(/\b\d+ ?s (ago|\(suspect\))/g, "N s $1")
    .replaceAll(/derived-[0-9a-v]{10}/g, "derived-…")
    .replace(/ \(\/\S+\)/, "")
    .replace(/(the broker refuses this cluster): .*$/, "$1: REASON")
    .replace(/(not connected to the broker): .*?; what is known/, "$1: REASON; what is known")
    .replace(/(does not answer): .*$/, "$1: REASON")
    .replace(/(cannot be dialled): .*$/, "$1: REASON")
    .replace(/(is dead): .*$/, "$1: REASON")
    .replace(/(they stopped N s ago).*$/, "$1");
}

/** The document with the table in it replaced. */
export function withTable(document: string, table: string): string {
  const begin = document.indexOf(TABLE_BEGIN);
  const end = document.indexOf(TABLE_END);
  if (begin === -1 || end === -1) throw new Error(`docs/explain.md has no ${TABLE_BEGIN}`);
  return `${document.slice(0, begin)}${TABLE_BEGIN}\n\n${table}\n\n${document.slice(end)}`;
}
