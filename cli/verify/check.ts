/** One thing that was looked at. What could not be looked at is said to be just that, never taken for good. */
export interface Check {
  /** The cluster that exports. */
  readonly from: string;
  /** The cluster that was asked. */
  readonly at: string;
  readonly check: string;
  readonly result: "passed" | "failed" | "not tested";
  /** What was seen, or why it was not looked at. */
  readonly detail: string;
  /** From the moment the export was made, or the request sent, milliseconds; absent: nothing to measure. */
  readonly ms?: number;
}

export function summaryOf(checks: readonly Check[]): string {
  const count = (result: Check["result"]): number =>
    checks.filter((check) => check.result === result).length;
  return `${count("passed")} passed, ${count("failed")} failed, ${count("not tested")} not tested`;
}

/** Nothing failed, and something was shown. */
export function isGood(checks: readonly Check[]): boolean {
  return (
    checks.some(({ result }) => result === "passed") &&
    checks.every(({ result }) => result !== "failed")
  );
}
