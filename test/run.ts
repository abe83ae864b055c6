import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/**
 * `npm test`: every test but those of `npm run test:net`, which need root, then one line that scripts can read:
 * `N passed, N failed, N skipped`. Arguments go to vitest as they are (`npm test -- controllers`).
 */
const args = process.argv.slice(2);
const projects = args.includes("--project") ? [] : ["--project", "unit", "--project", "system"];
const directory = mkdtempSync(join(tmpdir(), "isthmus-test-"));
const report = join(directory, "report.json");
const { status } = spawnSync(
  "vitest",
  [
    "run",
    "--reporter=default",
    "--reporter=json",
    `--outputFile.json=${report}`,
    ...projects,
    ...args,
  ],
  { stdio: "inherit" },
);
const failed = status !== 0;
let line = "0 passed, 1 failed";
try {
  const totals = JSON.parse(readFileSync(report, "utf8")) as {
    readonly numPassedTests: number;
    readonly numFailedTests: number;
    readonly numPendingTests: number;
    readonly numFailedTestSuites: number;
  };
  // A file that cannot be loaded holds no failed test, and yet it failed.
  const broken = Math.max(totals.numFailedTests, failed ? 1 : 0);
  const skipped = totals.numPendingTests > 0 ? `, ${totals.numPendingTests} skipped` : "";
  line = `${totals.numPassedTests} passed, ${broken} failed${skipped}`;
} catch (error) {
  process.stderr.write(`no test report: ${String(error)}\n`);
}
rmSync(directory, { recursive: true, force: true });
process.stdout.write(`${line}\n`);
process.exit(failed ? 1 : 0);
