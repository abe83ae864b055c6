import { readFileSync } from "node:fs";
import { relative } from "node:path";

/** A test that failed, or a file that could not be run (then `name` says so). */
export interface TestFailure {
  /** From the root of the checkout. */
  readonly file: string;
  readonly name: string;
  /** The first line of what it said. */
  readonly message: string;
}

/** What a run of vitest came to. */
export interface TestReport {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
  readonly failures: readonly TestFailure[];
  /** How many tests of these files passed. */
  readonly passedIn: (files: readonly string[]) => number;
}

/** Vitest's JSON report, as far as it is read here. */
interface JsonReport {
  readonly numPassedTests: number;
  readonly numFailedTests: number;
  readonly numPendingTests: number;
  readonly testResults: readonly {
    readonly name: string;
    readonly status: string;
    readonly message: string;
    readonly assertionResults: readonly {
      readonly fullName: string;
      readonly status: string;
      readonly failureMessages?: readonly string[] | null;
    }[];
  }[];
}

const firstLine = (text: string | undefined) => (text ?? "").split("\n", 1)[0] ?? "";

/**
 * The report vitest wrote to `path`; `isGreen` is whether it exited with 0. A run that failed without a failed test (a file that
 * cannot be loaded, an error nobody caught, no report at all) counts as one failure.
 */
export function readReport(path: string, isGreen: boolean, root: string): TestReport {
  let json: JsonReport;
  try {
    json = JSON.parse(readFileSync(path, "utf8")) as JsonReport;
  } catch (error) {
    const failure = { file: "", name: "no test report", message: String(error) };
    return { passed: 0, failed: 1, skipped: 0, failures: [failure], passedIn: () => 0 };
  }
  const failures = json.testResults.flatMap(({ name, status, message, assertionResults }) => {
    const file = relative(root, name);
    const failed = assertionResults.filter((result) => result.status === "failed");
    if (status === "failed" && failed.length === 0)
      return [{ file, name: "the file", message: firstLine(message) }];
    return failed.map((result) => ({
      file,
      name: result.fullName,
      message: firstLine(result.failureMessages?.[0]),
    }));
  });
  if (!isGreen && failures.length === 0)
    failures.push({ file: "", name: "the run", message: "an error outside of tests: see above" });
  return {
    passed: json.numPassedTests,
    failed: isGreen ? 0 : failures.length,
    skipped: json.numPendingTests,
    failures,
    passedIn: (files) =>
      json.testResults
        .filter(({ name }) => files.includes(relative(root, name)))
        .flatMap(({ assertionResults }) => assertionResults)
        .filter(({ status }) => status === "passed").length,
  };
}
