import { execFile } from "node:child_process";
import { promisify } from "node:util";

export interface Outcome {
  /** -1 when it was killed, or not started at all. */
  readonly code: number;
  /** Standard output, then standard error. */
  readonly out: string;
}

const COMMAND_TIMEOUT_MS = 30_000;

/** Runs a program to its end; never throws for how it ends. */
export async function runCommand(
  command: string,
  args: readonly string[],
  environment: Readonly<Record<string, string>>,
  timeoutMs = COMMAND_TIMEOUT_MS,
): Promise<Outcome> {
  const env = { ...process.env, ...environment };
  const options = { env, timeout: timeoutMs };
  try {
    const { stdout, stderr } = await promisify(execFile)(command, [...args], options);
    return { code: 0, out: stdout + stderr };
  } catch (failure) {
    if (!(failure instanceof Error)) throw failure;
    const { code, stdout, stderr } = failure as Error & {
      readonly code?: unknown;
      readonly stdout?: string;
      readonly stderr?: string;
    };
    return { code: typeof code === "number" ? code : -1, out: `${stdout ?? ""}${stderr ?? ""}` };
  }
}
