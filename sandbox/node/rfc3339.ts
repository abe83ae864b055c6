/** metav1.Time: RFC 3339 with one-second resolution. */
export function toRfc3339(epochMs: number): string {
  return new Date(epochMs).toISOString().replace(/\.\d{3}Z$/, "Z");
}
