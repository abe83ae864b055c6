/** An Event before it is known when it happened and to what. */
export interface EventDraft {
  readonly type: "Normal" | "Warning";
  /** UpperCamelCase, from a closed set. */
  readonly reason: string;
  /** What was being done, UpperCamelCase. */
  readonly action: string;
  readonly note: string;
}
