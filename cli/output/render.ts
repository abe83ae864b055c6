import { stringify } from "yaml";
import { z } from "zod";

export const OUTPUTS = ["table", "json", "yaml"] as const;
export type OutputForm = (typeof OUTPUTS)[number];

/** In the settings of every verb that has a result to show. */
export const outputSetting = z
  .enum(OUTPUTS)
  .default("table")
  .describe("table, for people, or json or yaml, for programs");

/** A result in the form that was asked for: `data` is the same in JSON and YAML, `table` is what a person reads. */
export function render(form: OutputForm, data: unknown, table: () => string): string {
  switch (form) {
    case "table":
      return table();
    case "json":
      return JSON.stringify(data, null, 2);
    case "yaml":
      return stringify(plain(data)).trimEnd();
  }
}

/** As JSON has it: keys without a value are left out of both. */
function plain(data: unknown): unknown {
  return JSON.parse(JSON.stringify(data));
}
