import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { readReport, type TestReport } from "./test-report.ts";

/**
 * `npm test`: every test but those of `npm run test:net`, which need root, then one line that scripts can read:
 * `N passed, N failed, N skipped`. Arguments go to vitest as they are (`npm test -- controllers`), but for one:
 *
 * `--second-try`, for machines whose processor is taken away for seconds: files of the projects that run real processes and
 * packets are run once more, alone, when they failed and were few. What failed first is printed at the end whatever comes of it:
 * it is to be looked into, not to be forgotten.
 */
const SECOND_TRY = "--second-try";
/** More files than this fail for a reason that a second try would only hide. */
const MOST_FILES_TRIED_AGAIN = 3;
const TRIED_AGAIN = /^test\/(system|e2e|net)\//;

const given = process.argv.slice(2);
const args = given.filter((argument) => argument !== SECOND_TRY);
const at = args.indexOf("--project");
const projects = at < 0 ? ["--project", "unit", "--project", "system"] : args.splice(at, 2);
const directory = mkdtempSync(join(tmpdir(), "isthmus-test-"));
/** Each of the hundred processes that files of tests are loads the same libraries; they are compiled once, as the program's are. */
const NODE_COMPILE_CACHE = resolve("node_modules/.cache/isthmus");

function runVitest(name: string, filters: readonly string[]): TestReport {
  const file = join(directory, `${name}.json`);
  const reporters = ["--reporter=default", "--reporter=json", `--outputFile.json=${file}`];
  const { status } = spawnSync("vitest", ["run", ...reporters, ...projects, ...filters], {
    stdio: "inherit",
    env: { NODE_COMPILE_CACHE, ...process.env },
  });
  return readReport(file, status === 0, process.cwd());
}

let report = runVitest("first", args);
const { failures } = report;
const files = [...new Set(failures.map(({ file }) => file))];
const isTriedAgain =
  given.includes(SECOND_TRY) &&
  files.length > 0 &&
  files.length <= MOST_FILES_TRIED_AGAIN &&
  files.every((file) => TRIED_AGAIN.test(file));
if (isTriedAgain) {
  const again = runVitest("second", files);
  const passed = report.passed - report.passedIn(files) + again.passed;
  report = { ...report, passed, failed: again.failed };
}
rmSync(directory, { recursive: true, force: true });
const verdict = report.failed === 0 ? "failed at first" : "failed";
for (const { file, name, message } of failures)
  process.stdout.write(`${verdict}: ${file} > ${name}: ${message}\n`);
const skipped = report.skipped > 0 ? `, ${report.skipped} skipped` : "";
process.stdout.write(`${report.passed} passed, ${report.failed} failed${skipped}\n`);
process.exit(report.failed === 0 ? 0 : 1);
