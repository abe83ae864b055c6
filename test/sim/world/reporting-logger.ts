import type { Logger } from "../../../runtime/log/log.ts";
import { silentLogger } from "../../../runtime/log/silent-log.ts";
import type { Report } from "../check/violation.ts";

/** Silent, except that an error is a bug: no injected fault may cause more than a warning. */
export function reportingLogger(who: string, report: Report): Logger {
  const logger: Logger = {
    ...silentLogger,
    error: (message, fields) => report("bug", `${who} logs an error: ${message} ${text(fields)}`),
    child: () => logger,
  };
  return logger;
}

function text(fields: unknown): string {
  return JSON.stringify(fields, (_, value: unknown) =>
    value instanceof Error ? (value.stack ?? value.message) : value,
  );
}
