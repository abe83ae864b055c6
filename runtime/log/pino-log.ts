import { pino } from "pino";
import type { LogFields, Logger } from "./log.ts";

export const LOG_LEVELS = ["error", "warn", "info", "debug"] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

/** JSON lines on standard error, written synchronously so that nothing is lost in a crash. */
export function pinoLogger(component: string, level: LogLevel): Logger {
  const root = pino(
    {
      level,
      base: { component },
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      serializers: { err: pino.stdSerializers.err },
    },
    pino.destination({ dest: 2, sync: true }),
  );
  return wrap(root);
}

function wrap(instance: pino.Logger): Logger {
  return {
    error: (message, fields) => instance.error(fields ?? {}, message),
    warn: (message, fields) => instance.warn(fields ?? {}, message),
    info: (message, fields) => instance.info(fields ?? {}, message),
    debug: (message, fields) => instance.debug(fields ?? {}, message),
    child: (fields: LogFields) => wrap(instance.child(fields)),
  };
}
