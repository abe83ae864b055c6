import { z } from "zod";
import { AUDIT_KINDS } from "../../broker/audit/audit-log.ts";
import { readAuditLines } from "../../broker/audit/read-audit-lines.ts";
import { auditPath } from "../../broker/data-dir.ts";
import { DEFAULT_DATA_DIR } from "../broker/place-settings.ts";
import { OUTPUTS, render } from "../output/render.ts";
import { table } from "../output/table.ts";
import { defineVerb } from "../verb.ts";

export const auditVerb = defineVerb({
  summary: "print the audit log: tokens, joins, renewals, refusals, revocations, rotations",
  settings: z.object({
    dataDir: z.string().default(DEFAULT_DATA_DIR).describe("data directory of the broker"),
    last: z.coerce
      .number()
      .int()
      .min(1)
      .max(100_000)
      .default(100)
      .describe("newest lines to print"),
    cluster: z.string().optional().describe("only what is about this cluster id"),
    kind: z
      .enum(AUDIT_KINDS)
      .optional()
      .describe("only events of this kind, such as refused or revoked"),
    output: z
      .enum(["lines", ...OUTPUTS])
      .default("lines")
      .describe("lines, as the log has them: a JSON document each; table, json or yaml"),
  }),
  async run({ settings, out }) {
    const { last, cluster, kind } = settings;
    const lines = await readAuditLines(auditPath(settings.dataDir), { last, cluster, kind });
    if (!lines.ok) {
      out.problem(lines.error);
      return 1;
    }
    if (settings.output === "lines") {
      for (const line of lines.value) out.line(line);
      return 0;
    }
    const events = lines.value.map((line): unknown => JSON.parse(line));
    out.line(render(settings.output, events, () => auditTable(events)));
    return 0;
  },
});

const COLUMNS = ["at", "kind", "cluster"] as const;

/** When, what and about whom; what else an event says stands behind. */
function auditTable(events: readonly unknown[]): string {
  const rows = events.map((event) => {
    const fields = new Map(Object.entries(z.record(z.string(), z.unknown()).parse(event)));
    const told = COLUMNS.map((key) => textOf(fields.get(key) ?? "-"));
    for (const key of COLUMNS) fields.delete(key);
    return [...told, [...fields].map(([key, value]) => `${key}=${textOf(value)}`).join(" ")];
  });
  return table(["AT", "KIND", "CLUSTER", "DETAILS"], rows).join("\n");
}

function textOf(value: unknown): string {
  return typeof value === "string" ? value : JSON.stringify(value);
}
