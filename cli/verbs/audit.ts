import { z } from "zod";
import { AUDIT_KINDS } from "../../broker/audit/audit-log.ts";
import { readAuditLines } from "../../broker/audit/read-audit-lines.ts";
import { auditPath } from "../../broker/data-dir.ts";
import { DEFAULT_DATA_DIR } from "../place-settings.ts";
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
  }),
  async run({ settings, out }) {
    const { last, cluster, kind } = settings;
    const lines = await readAuditLines(auditPath(settings.dataDir), { last, cluster, kind });
    if (!lines.ok) {
      out.problem(lines.error);
      return 1;
    }
    for (const line of lines.value) out.line(line);
    return 0;
  },
});
