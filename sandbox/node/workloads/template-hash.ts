import { createHash } from "node:crypto";
import type { PodTemplate } from "../kinds/deployment.ts";

/** Ten characters that change with anything in the template, whatever the order of its fields. */
export function templateHash(template: PodTemplate): string {
  return createHash("sha256").update(canonicalJson(template)).digest("hex").slice(0, 10);
}

function canonicalJson(value: unknown): string {
  return JSON.stringify(value, (_key, inner: unknown) =>
    typeof inner === "object" && inner !== null && !Array.isArray(inner)
      ? Object.fromEntries(Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : 1)))
      : inner,
  );
}
