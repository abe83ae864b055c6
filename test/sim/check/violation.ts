/** A broken promise of the design. */
export interface Violation {
  /** `I1` to `I12` of the design, or `bug` for an error that no fault explains. */
  readonly invariant: string;
  readonly text: string;
}

export type Report = (invariant: string, text: string) => void;
