import { spawn } from "node:child_process";
import type { Command } from "./net-commands.ts";

const LIMIT_MS = 60_000;
/** BOUNDED: what is kept of a script's output. */
const OUTPUT_MAX = 64 * 1024 * 1024;

/** Runs the commands in order, in one shell; fails with the one that failed and what it said. Resolves to the output. */
export async function runCommands(commands: readonly Command[]): Promise<string> {
  if (commands.length === 0) return "";
  // -x writes each command to standard error before it runs: the end of that is what failed.
  const { code, stdout, stderr } = await capture(["sh", "-ex"], `${commands.join("\n")}\n`);
  if (code === 0) return stdout;
  throw new Error(
    `a command failed with ${code}: ${stderr.trimEnd().split("\n").slice(-3).join("\n")}`,
  );
}

/** Runs one program in a namespace; what it says, whether it succeeds or not. */
export function runIn(
  namespace: string,
  argv: readonly string[],
  input = "",
): Promise<ProgramOutcome> {
  return capture(within(namespace, argv), input);
}

/** The same for a program that must succeed; resolves to its output. */
export async function mustRunIn(
  namespace: string,
  argv: readonly string[],
  input = "",
): Promise<string> {
  const { code, stdout, stderr } = await runIn(namespace, argv, input);
  if (code === 0) return stdout;
  throw new Error(
    `${argv.join(" ")} in ${namespace} failed with ${code}: ${stderr.trimEnd() || stdout.trimEnd()}`,
  );
}

/** The command line that runs a program in a namespace; the process is the program itself. */
export function within(namespace: string, argv: readonly string[]): readonly string[] {
  return ["ip", "netns", "exec", namespace, ...argv];
}

export interface ProgramOutcome {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

function capture(
  [program = "", ...args]: readonly string[],
  input: string,
): Promise<ProgramOutcome> {
  return new Promise((resolve) => {
    const child = spawn(program, args, { stdio: "pipe", timeout: LIMIT_MS, killSignal: "SIGKILL" });
    const stdout = collect(child.stdout);
    const stderr = collect(child.stderr);
    child.once("error", (error) => resolve({ code: -1, stdout: "", stderr: error.message }));
    child.once("close", (code, signal) =>
      resolve({
        code: code ?? -1,
        stdout: stdout(),
        stderr: signal === null ? stderr() : `${stderr()}ended by ${signal}`,
      }),
    );
    // A program that does not read its input is no error of ours.
    child.stdin.on("error", () => undefined);
    child.stdin.end(input);
  });
}

function collect(stream: NodeJS.ReadableStream): () => string {
  const parts: Buffer[] = [];
  let size = 0;
  stream.on("data", (part: Buffer) => {
    size += part.length;
    if (size <= OUTPUT_MAX) parts.push(part);
  });
  return () => Buffer.concat(parts).toString("utf8");
}
