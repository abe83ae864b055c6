import { z } from "zod";
import { parseDnsLabel } from "../api/dns-label.ts";
import { SHIPPED_NAMES } from "../runtime/kube/policy/render-cluster-policy.ts";
import { LOG_LEVELS } from "../runtime/log/pino-log.ts";

export function labelSetting(description: string) {
  const rule = "must be a DNS label: lower-case letters, digits and '-', at most 63 bytes";
  return z
    .string()
    .regex(/^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/, rule)
    .refine((text) => parseDnsLabel("name", text).ok, rule)
    .describe(description);
}

export function replicasSetting(what: string) {
  return z.coerce.number().int().min(1).max(20).default(2).describe(`replicas of ${what}`);
}

export function memorySetting(text: string, what: string) {
  return z
    .string()
    .regex(/^[1-9][0-9]*(Mi|Gi)$/, "must be a number of Mi or Gi")
    .default(text)
    .describe(`memory limit of ${what}`);
}

/** A duration that the process itself reads. */
export function durationText(text: string, description: string) {
  return z
    .string()
    .regex(/^[0-9]+(ms|s|m|h)$/, "must be a number of ms, s, m or h")
    .default(text)
    .describe(description);
}

/** What hub and member have in common. All settings are flat: flags of a verb, and values of a chart. */
export const commonSettings = {
  namespace: labelSetting("namespace of all that is installed").default(SHIPPED_NAMES.namespace),
  image: z.string().min(1).default("isthmus").describe("image that packaging/Dockerfile makes"),
  imagePullPolicy: z
    .enum(["Always", "IfNotPresent", "Never"])
    .default("IfNotPresent")
    .describe("when nodes pull it"),
  networkPolicy: z
    .boolean()
    .default(true)
    .describe("NetworkPolicies that let in what is served and nothing else"),
  monitors: z
    .boolean()
    .default(false)
    .describe("a PodMonitor, for the operator of a Prometheus that is to scrape our processes"),
  alerts: z
    .boolean()
    .default(false)
    .describe("a PrometheusRule with our alerts, for the same operator"),
  dashboards: z
    .boolean()
    .default(false)
    .describe(
      "a ConfigMap with our dashboard, for a Grafana that looks for label grafana_dashboard",
    ),
  otlpEndpoint: z
    .url({ protocol: /^https?$/ })
    .optional()
    .describe(
      "base address of an OpenTelemetry collector, http://host:4318, for traces of changes; none: no traces",
    ),
  logLevel: z.enum(LOG_LEVELS).default("info").describe("least severe level that is logged"),
} as const;
