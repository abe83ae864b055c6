/** What failed, the rule, the value seen. */
export function wrong(field: string, rule: string, seen: unknown): string {
  return `cannot use ${field}: must be ${rule}: got ${JSON.stringify(seen)?.slice(0, 80)}`;
}
