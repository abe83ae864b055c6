import { z } from "zod";
import { LOG_LEVELS } from "../log/pino-log.ts";
import { type ListenAddress, parseListenAddress } from "../net/listen-address.ts";
import { parseDurationMs } from "./duration.ts";

/** `host:port` in, the parsed address out. */
export const listenSetting = z.string().transform((text, context): ListenAddress => {
  const parsed = parseListenAddress(text);
  if (parsed.ok) return parsed.value;
  context.addIssue({ code: "custom", message: parsed.error });
  return z.NEVER;
});

export function listenDefault(text: string, description: string): z.ZodType<ListenAddress> {
  return z.string().default(text).pipe(listenSetting).describe(description);
}

/** A duration in, milliseconds out. */
export function durationSetting(text: string, description: string): z.ZodType<number> {
  const parsed = z.string().transform((value, context): number => {
    const duration = parseDurationMs(value);
    if (duration.ok) return duration.value;
    context.addIssue({ code: "custom", message: duration.error });
    return z.NEVER;
  });
  return z.string().default(text).pipe(parsed).describe(description);
}

export const logLevelSetting = z
  .enum(LOG_LEVELS)
  .default("info")
  .describe("least severe level that is logged: error, warn, info or debug");

/** How a process finds its cluster's API server. */
export const kubeSettings = {
  kubeconfig: z
    .string()
    .optional()
    .describe("kubeconfig file; default: KUBECONFIG, ~/.kube/config, then in-cluster credentials"),
  context: z.string().optional().describe("kubeconfig context; default: its current context"),
} as const;
