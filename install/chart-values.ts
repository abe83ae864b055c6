import { stringify } from "yaml";
import { z } from "zod";
import { chartSettings } from "./chart-settings.ts";
import { hubSettings } from "./hub-settings.ts";
import { memberSettings } from "./member-settings.ts";

/** The settings of each chart, by its folder. The namespace is the release's. */
export const CHARTS = {
  "isthmus-broker": hubSettings.omit({ namespace: true }).extend(chartSettings),
  isthmus: memberSettings.omit({ namespace: true }).extend(chartSettings),
} as const;

/** `values.schema.json`: what a chart takes, and nothing else. */
export function valuesSchema(settings: z.ZodObject): string {
  const schema = z.toJSONSchema(settings, { target: "draft-7", io: "output" });
  // What has a default is there without being asked for.
  const required = Object.keys(settings.shape).filter((key) => isRequired(settings, key));
  return `${JSON.stringify({ ...schema, required }, undefined, 2)}\n`;
}

/** `values.yaml`: every value with what it means and its default; those without one are commented out. */
export function valuesText(settings: z.ZodObject): string {
  const defaults: Readonly<Record<string, unknown>> = settings
    .partial()
    .parse(Object.fromEntries([]));
  const entries = Object.entries(settings.shape).map(([key, type]) => {
    const meaning = `# ${z.globalRegistry.get(type as z.ZodType)?.description ?? key}\n`;
    const isSet = defaults[key] !== undefined;
    if (isSet) return `${meaning}${stringify({ [key]: defaults[key] })}`;
    return `${meaning}# ${key}:${isRequired(settings, key) ? " (required)" : ""}\n`;
  });
  return entries.join("\n");
}

function isRequired(settings: z.ZodObject, key: string): boolean {
  return !settings.shape[key]?.safeParse(undefined).success;
}
