import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Clock } from "../../runtime/clock/clock.ts";
import { deadline } from "../../runtime/clock/deadline.ts";
import type { Random } from "../../runtime/random/random.ts";
import type { ManagedProcessDeps } from "../process/managed-process.ts";
import { DemoClusterset } from "./demo-clusterset.ts";
import { DemoScenario, type ScenarioMember } from "./demo-scenario.ts";
import type { DemoStage, StageDeps } from "./demo-stage.ts";
import { NET_BACKENDS, NetStage } from "./net-stage.ts";
import { StepPrinter } from "./step-printer.ts";
import { UserlandStage } from "./userland-stage.ts";

export const DEMO_BACKENDS = [...NET_BACKENDS, "proxy"] as const;
export type DemoBackend = (typeof DEMO_BACKENDS)[number];

export interface DemoOptions {
  readonly clusters: number;
  /** End after the main job instead of staying up. */
  readonly exit: boolean;
  /** How clusters reach each other: `proxy` over the userland network, the others between network namespaces. @default the userland network routes */
  readonly backend?: DemoBackend;
  readonly env: Readonly<Record<string, string | undefined>>;
}

export interface DemoDeps extends StageDeps {
  readonly clock: Clock;
  readonly random: Random;
  readonly line: (text: string) => void;
  /** Resolves when the person has had enough. */
  readonly stopped: AbortSignal;
}

const START_MS = 60_000;

/** A whole clusterset on this machine; leaves no process and no file behind, however it ends. */
export async function runDemo(options: DemoOptions, deps: DemoDeps): Promise<void> {
  const directory = mkdtempSync(join(tmpdir(), "isthmus-demo-"));
  const steps = new StepPrinter(deps.line, deps.clock);
  const onDeath = ({ name, how }: { readonly name: string; readonly how: string }): void => {
    const after = stage.isRestarted(name) ? "; it is started again" : "";
    steps.line(`! ${name} died (${how})${after}`);
  };
  const stage = await stageOf({ ...options, directory, clusterset: "demo" }, { ...deps, onDeath });
  try {
    await bringUp(stage, steps, deps.stopped);
    await tellStory(stage.members, steps, deps, options.exit);
    steps.line();
    steps.line(`done in ${steps.totalText().trim()}`);
    if (!options.exit) {
      for (const text of stage.pasteLines()) steps.line(text);
      await aborted(deps.stopped);
      steps.line("\nstopping ...");
    }
  } finally {
    await stage.stop().finally(() => rmSync(directory, { recursive: true, force: true }));
  }
}

/** Decides what the clusters are made of; starts nothing yet. */
async function stageOf(
  options: DemoOptions & { readonly directory: string; readonly clusterset: string },
  deps: DemoDeps & Required<Pick<ManagedProcessDeps, "onDeath">>,
): Promise<DemoStage> {
  const { backend } = options;
  if (backend !== undefined && backend !== "proxy") {
    return new NetStage({ ...options, backend }, deps);
  }
  const hasProxies = backend === "proxy";
  return new UserlandStage(await DemoClusterset.plan({ ...options, hasProxies }, deps), deps);
}

async function bringUp(stage: DemoStage, steps: StepPrinter, signal: AbortSignal): Promise<void> {
  const waiting = { timeoutMs: START_MS, signal };
  await steps.step(stage.opening, () => stage.open(waiting));
  await steps.step("custom resources installed; every member joined with its own token", () =>
    stage.join(signal),
  );
  await steps.step("controllers and DNS of every member ready", () => stage.startMembers(waiting));
}

async function tellStory(
  members: readonly ScenarioMember[],
  steps: StepPrinter,
  deps: DemoDeps,
  withUnexport: boolean,
): Promise<void> {
  using limit = deadline(deps.clock, 120_000, deps.stopped);
  const scenario = new DemoScenario(members, { clock: deps.clock, steps, signal: limit.signal });
  await scenario.deploy();
  await scenario.exportAndReach();
  // Whoever stays to play finds both exporters in place.
  if (withUnexport) await scenario.unexport();
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener("abort", () => resolve(), { once: true });
  });
}
