/** metav1.Condition; every field but observedGeneration is required by the MCS CRDs (EXP-21). */
export interface Condition {
  readonly type: string;
  readonly status: "True" | "False" | "Unknown";
  readonly reason: string;
  readonly message: string;
  /** RFC 3339; moves only when `status` flips (EXP-23). */
  readonly lastTransitionTime: string;
  readonly observedGeneration?: number;
}
