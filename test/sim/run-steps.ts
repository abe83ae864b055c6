import type { Report, Violation } from "./check/violation.ts";

export interface RunResult {
  /** The first broken promise; undefined when all held. */
  readonly violation: Violation | undefined;
  readonly trace: readonly string[];
  readonly steps: number;
}

/** What a script is run in, whatever it simulates. */
export interface SimulatedWorld {
  readonly clock: { monotonicMs(): number; advance(ms: number): Promise<void> };
  begin(): Promise<void>;
  stop(): void;
}

interface Observers {
  readonly report: Report;
  readonly note: (text: string) => void;
}

interface StepsOf<Step, W extends SimulatedWorld> {
  readonly steps: readonly Step[];
  readonly make: (observers: Observers) => W;
  readonly text: (step: Step) => string;
  /** Takes one step, a checkpoint included. */
  readonly take: (world: W, step: Step, report: Report) => void | Promise<void>;
}

const TRACE_LINES_MAX = 5_000;

/** Takes steps to the end or to the first violation. The same steps in the same world give the same result, always. */
export async function runSteps<Step extends { readonly waitMs: number }, W extends SimulatedWorld>({
  steps,
  make,
  text,
  take,
}: StepsOf<Step, W>): Promise<RunResult> {
  const trace: string[] = [];
  const violations: Violation[] = [];
  const note = (line: string): void => {
    // BOUNDED: by TRACE_LINES_MAX, the newest.
    if (trace.length >= TRACE_LINES_MAX) trace.shift();
    trace.push(`${(world.clock.monotonicMs() / 1_000).toFixed(3).padStart(9)}s  ${line}`);
  };
  const report: Report = (invariant, line) => {
    violations.push({ invariant, text: line });
    note(`VIOLATION of ${invariant}: ${line}`);
  };
  const world = make({ report, note });
  let taken = 0;
  try {
    await world.begin();
    for (const step of steps) {
      note(`> ${text(step)}`);
      await take(world, step, report);
      await world.clock.advance(step.waitMs);
      taken += 1;
      if (violations.length > 0) break;
    }
  } finally {
    world.stop();
  }
  return { violation: violations[0], trace, steps: taken };
}
