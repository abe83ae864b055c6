import type { MetricsSnapshot } from "../../../runtime/metrics/summed-metrics.ts";

/** What a worker tells its pool. */
export type FromWorker =
  /** A sign of life, and whether its answers are right. */
  | { readonly kind: "health"; readonly isReady: boolean; readonly text: string }
  | { readonly kind: "metrics"; readonly metrics: MetricsSnapshot }
  /** Never started, and another try would not help; it has said why. */
  | { readonly kind: "refused" };

/** What a pool tells its worker. That it is to stop shows by the end of the channel, however that ends. */
export type ToWorker =
  | {
      readonly kind: "start";
      readonly worker: number;
      /** Signs DNS cookies where none is configured: clients must not notice which worker answers. */
      readonly cookieSecret: string;
    }
  | { readonly kind: "metrics" }
  | { readonly kind: "hangup" };

/** How often a worker gives a sign of life. */
export const HEALTH_EVERY_MS = 500;
