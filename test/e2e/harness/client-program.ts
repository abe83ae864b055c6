import { execFile, execFileSync } from "node:child_process";

/**
 * Whether a real client program is on this machine. In continuous integration a missing one is a failure: a test that
 * quietly does not run proves nothing.
 */
export function hasProgram(name: string): boolean {
  try {
    execFileSync("sh", ["-c", `command -v ${name}`], { stdio: "ignore" });
    return true;
  } catch {
    if (process.env["CI"] === "true") throw new Error(`${name} must be installed where CI=true`);
    process.stderr.write(`${name} is not installed: its tests are skipped\n`);
    return false;
  }
}

/** Output of a command line as a person would type it; undefined when it fails. */
export function shell(
  line: string,
  env: Readonly<Record<string, string | undefined>> = process.env,
): Promise<string | undefined> {
  return new Promise((resolve) => {
    execFile("sh", ["-c", line], { timeout: 20_000, env: { ...env } }, (error, stdout) =>
      resolve(error === null ? stdout : undefined),
    );
  });
}
