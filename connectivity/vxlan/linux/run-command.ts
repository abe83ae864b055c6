import { spawn } from "node:child_process";
import { err, ok, type Result } from "../../../api/result.ts";
import type { Clock } from "../../../runtime/clock/clock.ts";
import { deadline } from "../../../runtime/clock/deadline.ts";

/** A program of the machine, run once. */
export interface Command {
  readonly program: string;
  readonly args: readonly string[];
  /** To its standard input. */
  readonly input?: string;
}

/** Runs a program to its end; standard output, or what went wrong: which program, how it ended, what it said. */
export type RunCommand = (command: Command, signal: AbortSignal) => Promise<Result<string, string>>;

/** The largest answer of the kernel that is read: 100,000 set elements are 5 MB. */
const OUTPUT_BYTES_MAX = 64 * 1024 * 1024;
const ERROR_CHARS_MAX = 2_000;
const TIMEOUT_MS = 15_000;

/** `ip`, `bridge`, `nft` and `wg` as they are installed. */
export function commandRunner(clock: Clock): RunCommand {
  return async (command, signal) => {
    using limit = deadline(clock, TIMEOUT_MS, signal);
    return run(command, limit.signal);
  };
}

function run(
  { program, args, input = "" }: Command,
  signal: AbortSignal,
): Promise<Result<string, string>> {
  const name = [program, ...args].join(" ").slice(0, 200);
  return new Promise((resolve) => {
    if (signal.aborted) {
      resolve(err(`${name}: given up before it began`));
      return;
    }
    const child = spawn(program, args, { stdio: "pipe" });
    // BOUNDED: by OUTPUT_BYTES_MAX.
    const output: Buffer[] = [];
    let bytes = 0;
    let problem = "";
    const onAbort = (): void => {
      problem ||= `no end within ${TIMEOUT_MS} ms, or given up`;
      child.kill("SIGKILL");
    };
    signal.addEventListener("abort", onAbort, { once: true });
    const finish = (result: Result<string, string>): void => {
      signal.removeEventListener("abort", onAbort);
      resolve(result);
    };
    child.stdout.on("data", (chunk: Buffer) => {
      bytes += chunk.length;
      if (bytes <= OUTPUT_BYTES_MAX) output.push(chunk);
      else {
        problem ||= `said more than ${OUTPUT_BYTES_MAX} bytes`;
        child.kill("SIGKILL");
      }
    });
    let said = "";
    child.stderr.on("data", (chunk: Buffer) => {
      said = (said + chunk.toString("utf8")).slice(0, ERROR_CHARS_MAX);
    });
    // A program that ended early does not read: how it ended says why.
    child.stdin.on("error", () => undefined);
    child.on("error", (error) => finish(err(`${name}: ${error.message}`)));
    child.on("close", (code) => {
      if (problem === "" && code === 0) finish(ok(Buffer.concat(output).toString("utf8")));
      else finish(err(`${name}: ${problem || `exit code ${code}`}: ${said.trim()}`));
    });
    child.stdin.end(input);
  });
}
