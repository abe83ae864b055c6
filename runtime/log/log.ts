export type LogFields = Readonly<Record<string, unknown>>;

/**
 * Structured log. Messages are constant, lower case; facts are fields.
 * error: a human must act; warn: degraded but self-healing; info: state transitions; debug: decisions.
 */
export interface Logger {
  error(message: string, fields?: LogFields): void;
  warn(message: string, fields?: LogFields): void;
  info(message: string, fields?: LogFields): void;
  debug(message: string, fields?: LogFields): void;
  child(fields: LogFields): Logger;
}
