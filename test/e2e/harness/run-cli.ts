import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";

export interface CliOutcome {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

const MAIN = fileURLToPath(new URL("../../../cli/main.ts", import.meta.url));

/** Runs the `isthmus` program as a user would, to its end; a hang is ended and shows as code -1. */
export function runCli(args: readonly string[], timeoutMs = 30_000): Promise<CliOutcome> {
  return new Promise((resolve) => {
    execFile(
      process.execPath,
      [MAIN, ...args],
      { timeout: timeoutMs, killSignal: "SIGKILL", env: { ...process.env, KUBECONFIG: undefined } },
      (error, stdout, stderr) => {
        const code = error === null ? 0 : typeof error.code === "number" ? error.code : -1;
        resolve({ code, stdout, stderr });
      },
    );
  });
}

/** The same for a program that must succeed. */
export async function mustRunCli(args: readonly string[]): Promise<string> {
  const { code, stdout, stderr } = await runCli(args);
  if (code !== 0)
    throw new Error(`isthmus ${args.join(" ")} ended with ${code}: ${stderr || stdout}`);
  return stdout;
}
