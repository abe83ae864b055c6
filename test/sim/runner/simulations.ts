import { PLANTED_BUGS } from "../bugs/planted-bugs.ts";
import { HUB_BUGS } from "../hub/hub-bugs.ts";
import { drawHubScript, hubStepText } from "../hub/hub-script.ts";
import { runHubScript } from "../hub/run-hub-script.ts";
import { PATH_BUGS } from "../paths/path-bugs.ts";
import { drawPathScript } from "../paths/path-script.ts";
import { runScript } from "../run-script.ts";
import type { RunResult } from "../run-steps.ts";
import { DEFAULT_SCRIPT, drawScript, type ScriptOptions } from "../script/draw-script.ts";
import { shrinkScript } from "../script/shrink-script.ts";
import { stepText } from "../script/step.ts";

/** A kind of world that seeds are run in. */
export interface Simulation {
  /** Names of the bugs that can be planted in it. */
  readonly bugs: readonly string[];
  run(seed: number, job: SimulationJob): Promise<RunResult>;
  /** The smallest script that fails as the seed does, and its trace, line by line. Undefined: it does not fail. */
  explain(seed: number, job: SimulationJob): Promise<readonly string[] | undefined>;
}

/** Plain data, so that it can go to another thread. */
export interface SimulationJob {
  /** Of the clusterset; a hub's scripts are all drawn alike. @default DEFAULT_SCRIPT */
  readonly script?: ScriptOptions;
  /** Name of a planted bug. @default none */
  readonly bug?: string;
}

/** `paths`: members that take part in connectivity, over paths that die and heal. `clusterset`: members, controllers, DNS and broker. `hub`: replicas over a shared store, and certificates. */
export type WorldKind = "clusterset" | "hub" | "paths";

export const SIMULATIONS: Readonly<Record<WorldKind, Simulation>> = {
  clusterset: simulation({
    bugs: PLANTED_BUGS,
    draw: (seed, script) => drawScript(seed, script),
    run: runScript,
    stepText,
    about: ({ members }) => `members ${JSON.stringify(members)}`,
  }),
  paths: simulation({
    bugs: PATH_BUGS,
    draw: (seed) => drawPathScript(seed),
    run: runScript,
    stepText,
    about: ({ members, paths }) => `members ${JSON.stringify(members)} ${JSON.stringify(paths)}`,
  }),
  hub: simulation({
    bugs: HUB_BUGS,
    draw: (seed) => drawHubScript(seed),
    run: runHubScript,
    stepText: hubStepText,
    about: ({ replicas, members }) => `${replicas} replicas, ${members} members`,
  }),
};

interface Parts<S extends { readonly steps: readonly Step[] }, Step, W> {
  readonly bugs: readonly { readonly name: string; readonly wiring: W }[];
  readonly draw: (seed: number, script: ScriptOptions) => S;
  readonly run: (script: S, wiring?: W) => Promise<RunResult>;
  readonly stepText: (step: Step) => string;
  readonly about: (script: S) => string;
}

function simulation<S extends { readonly steps: readonly Step[] }, Step, W>(
  parts: Parts<S, Step, W>,
): Simulation {
  const run = (script: S, bug: string | undefined): Promise<RunResult> =>
    parts.run(script, parts.bugs.find(({ name }) => name === bug)?.wiring);
  const draw = (seed: number, { script }: SimulationJob): S =>
    parts.draw(seed, script ?? DEFAULT_SCRIPT);
  return {
    bugs: parts.bugs.map(({ name }) => name),
    run: (seed, job) => run(draw(seed, job), job.bug),
    explain: async (seed, job) => {
      const whole = draw(seed, job);
      const { violation } = await run(whole, job.bug);
      if (violation === undefined) return undefined;
      const smallest = await shrinkScript(whole, async (candidate) => {
        const result = await run(candidate, job.bug);
        return result.violation?.invariant === violation.invariant;
      });
      const { trace } = await run(smallest, job.bug);
      return [
        parts.about(smallest),
        `smallest script, ${smallest.steps.length} of ${whole.steps.length} steps:`,
        ...smallest.steps.map((step) => `  ${parts.stepText(step)}`),
        "trace:",
        ...trace,
      ];
    },
  };
}
