import { parseDnsLabel } from "./dns-label.ts";
import type { Result } from "./result.ts";

declare const brand: unique symbol;

/**
 * Identity of a member in its clusterset: one lower-case RFC 1123 label, at most 63 bytes.
 * The intersection of every consumer's limits (CID-05): DNS label, label value, ClusterProperty.
 */
export type ClusterId = string & { readonly [brand]: "ClusterId" };

export function parseClusterId(text: string): Result<ClusterId, string> {
  const label = parseDnsLabel("cluster id", text);
  return label.ok ? { ok: true, value: label.value as ClusterId } : label;
}
