import { readFileSync } from "node:fs";
import type { WatchTexts } from "../../install/observability/watching.ts";

const FOLDER = new URL("../../api/observability/", import.meta.url);

/** Alerts and dashboard of a member, or of a hub, as they are shipped. */
export function shippedWatch(part: "member" | "hub"): WatchTexts {
  const read = (file: string): string => readFileSync(new URL(file, FOLDER), "utf8");
  return {
    alerts: read(`alerts-${part}.yaml`),
    dashboard: read(`dashboards/isthmus-${part}.json`),
  };
}
