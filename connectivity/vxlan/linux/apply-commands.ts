import { ok, type Result } from "../../../api/result.ts";
import type { KernelCommand } from "../plan/kernel-command.ts";
import type { RunCommand } from "./run-command.ts";

const PROGRAMS = {
  ip: { program: "ip", args: ["-batch", "-"] },
  "ip-4": { program: "ip", args: ["-4", "-batch", "-"] },
  "ip-6": { program: "ip", args: ["-6", "-batch", "-"] },
  tc: { program: "tc", args: ["-batch", "-"] },
  bridge: { program: "bridge", args: ["-batch", "-"] },
} as const;

/** In order; stops at the first that fails, with what was tried and what the program said. */
export async function applyCommands(
  commands: readonly KernelCommand[],
  run: RunCommand,
  signal: AbortSignal,
): Promise<Result<void, string>> {
  let at = 0;
  while (at < commands.length) {
    const tool = commands[at]?.tool ?? "ip";
    let end = at;
    while (commands[end]?.tool === tool) end += 1;
    // One program for as many lines as follow each other: each start costs milliseconds.
    const lines = commands.slice(at, end).map(({ line }) => line);
    const ran = await run({ ...PROGRAMS[tool], input: `${lines.join("\n")}\n` }, signal);
    if (!ran.ok) return { ok: false, error: `${ran.error}: ${failedLine(ran.error, lines)}` };
    at = end;
  }
  return ok(undefined);
}

/** iproute2 says `Command failed -:3`. */
function failedLine(error: string, lines: readonly string[]): string {
  const number = /-:(\d+)/.exec(error)?.[1];
  return (
    lines[Number(number) - 1] ?? `one of ${lines.length} lines from ${JSON.stringify(lines[0])}`
  );
}
