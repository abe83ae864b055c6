import { runProgram } from "../../cli/program.ts";

export interface Outcome {
  readonly code: number;
  readonly lines: readonly string[];
  readonly problems: readonly string[];
}

/** The program as a person runs it, without a process for each. A verb that runs for ever ends when the signal aborts. */
export async function runIsthmus(argv: readonly string[], signal: AbortSignal): Promise<Outcome> {
  const lines: string[] = [];
  const problems: string[] = [];
  const out = {
    line: (text: string) => void lines.push(text),
    problem: (text: string) => void problems.push(text),
  };
  const onHangup = () => () => undefined;
  const code = await runProgram(argv, { env: {}, program: "", signal, out, onHangup });
  return { code, lines, problems };
}
